"""A voice platform for many tenants: calls, customers, agents, AI, payments, credits and security, as events."""
