"""The blocking client: `quipu_client.aio` without asyncio. Transport and concurrency are written by hand."""
