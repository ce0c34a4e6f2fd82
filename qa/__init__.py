"""Questions: retrieve passages, answer from them, and check every quote."""
