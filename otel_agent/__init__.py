"""The flight recorder for LLM agents built on LangGraph."""
