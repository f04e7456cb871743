"""What methods are worth, and why: programs that each print the tables of a study."""
