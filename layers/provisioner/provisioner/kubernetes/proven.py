"""All in which a run's evidence is not what it must be: of each volume, and of each against the others."""

from provisioner.kubernetes import isolation, proof
from provisioner.kubernetes.evidence import Evidence


def differences(found: Evidence) -> list[str]:
    """Empty when the storage is proven; whoever has the evidence can ask again."""
    volumes = found.volumes
    told = [
        f"volume {each.persistent_volume}: {difference}" if len(volumes) > 1 else difference
        for each, run_id in zip(volumes, proof.run_ids_of(found.run_id, len(volumes)), strict=True)
        for difference in proof.differences(
            proof.nonce_of(run_id), found.lines_per_writer, each.writers, each.appender, each.reader, each.counter
        )
    ]
    return [*told, *isolation.differences(volumes)]
