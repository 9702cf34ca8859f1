"""`python -m eks_efs`, the same as `eks-efs`."""

import sys

from eks_efs.command import main

if __name__ == "__main__":
    sys.exit(main())
