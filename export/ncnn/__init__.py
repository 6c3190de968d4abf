"""Files of ncnn: the conversion by pnnx, its proof, and what its two files say."""
