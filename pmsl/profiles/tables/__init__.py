"""How profiles are written and read: strict tables, their keys and versions, single values by name."""
