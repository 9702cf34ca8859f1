"""Why a run failed: rules as data, each proved or refuted by a probe of the live state. Only reads."""
