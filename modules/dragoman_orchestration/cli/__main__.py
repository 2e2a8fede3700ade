"""``python -m dragoman_orchestration.cli``: how the supervisor starts its children."""

from dragoman_orchestration.cli.app import main

if __name__ == "__main__":
    main()
