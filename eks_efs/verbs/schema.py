import json
from importlib.resources import files

import click

from eks_efs.endings import Exit
from eks_efs.options import examples
from provisioner.request import json_schema


@click.command(
    short_help="Print the JSON Schema of a request.", epilog=examples("eks-efs schema", "eks-efs schema --sample")
)
@click.option("--sample", is_flag=True, help="A request with every field, its default and a comment, in YAML.")
@click.option("--json", "_", is_flag=True, help="The schema is JSON in any case.")
def schema(sample: bool, _: bool) -> Exit:
    """Print the JSON Schema of a request, for editors and other programs."""
    if sample:
        click.echo(files("eks_efs").joinpath("sample.yaml").read_text(), nl=False)
    else:
        click.echo(json.dumps(json_schema(), indent=2))
    return Exit.AS_ASKED
