"""An AI interaction framework for finance, on Quipu.

Assistants talk with customers of a bank, decide, and use tools; people are asked when an assistant is not sure, and
may overrule it. Everything is recorded as events; read models and reactors follow them in processes of their own.
"""
