"""One canary per patch of moto: a test here fails when its patch is missing or moto has changed under it."""
