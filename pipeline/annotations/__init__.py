"""What people have said about images, queries and bits."""
