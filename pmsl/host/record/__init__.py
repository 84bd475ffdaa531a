"""What outlives a crash: which frames were checked, what was asked of the light and what was lit, where a print goes on."""
