import click
from click.shell_completion import get_completion_class

from eks_efs.endings import Exit
from eks_efs.options import examples, with_json
from eks_efs.screen import Screen

SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Print a shell's completion.", epilog=examples("eks-efs completion bash"))
@click.argument("shell", type=click.Choice(SHELLS))
@with_json
@click.pass_context
def completion(context: click.Context, shell: str, screen: Screen) -> Exit:
    """Print what makes a shell complete commands, options, clusters and rules.

    \b
    bash, in ~/.bashrc:   eval "$(eks-efs completion bash)"
    zsh, in ~/.zshrc:     eval "$(eks-efs completion zsh)"
    fish:                 eks-efs completion fish > ~/.config/fish/completions/eks-efs.fish
    """
    root = context.find_root()
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 (click has the three)
    script = kind(root.command, {}, "eks-efs", "_EKS_EFS_COMPLETE").source()
    screen.result({"shell": shell, "script": script}, lambda _: click.echo(script))
    return Exit.AS_ASKED
