"""One job on the web: who may see it, its page, its status for scripts, its files."""
