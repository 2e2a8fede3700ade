"""How a runner becomes a process: on this machine, or as a Job of Kubernetes."""
