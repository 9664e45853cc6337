"""The tool behind the steps of the class-conditional generation kata."""
