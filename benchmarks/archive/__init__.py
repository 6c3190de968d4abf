"""An archive of photographs on many workers: processes of this machine and of ssh boxes, actors of a cluster."""
