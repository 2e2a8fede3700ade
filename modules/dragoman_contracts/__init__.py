"""The contracts between Dragoman's processes: data only, no I/O.

Every arrow of the picture in ``docs/architecture.md`` has one module here. Nothing in this package
imports another ``dragoman_*`` package or opens a connection.
"""
