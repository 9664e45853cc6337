"""The tool behind the ten steps of the class-conditional generation kata."""
