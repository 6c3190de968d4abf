"""The steps of an export that only networks of users take."""
