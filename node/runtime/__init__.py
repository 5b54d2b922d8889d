"""Drivers: the asyncio loop around the pure machines, with the real clock, sockets and threads.

`performer` performs what consensus asks for, `driver` is the host around it and around catch-up,
`pool` the door to the mempool. Machines decide; drivers only carry, and never reorder what a
machine wants in order.
"""
