"""What pages show, computed without Streamlit (resources.py alone has its caches)."""
