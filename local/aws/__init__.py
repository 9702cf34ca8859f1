"""AWS: moto with what it lacks, a Lambda that runs functions, and a deployment of the SAM template."""
