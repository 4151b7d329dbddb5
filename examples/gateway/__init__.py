"""A FastAPI gateway to a small LangGraph agent that answers questions about this project from its own docs."""
