"""What pages show, computed without Streamlit (resources/ alone has its caches)."""
