"""Obstacles to removal by name: `OBSTACLES[name].put(scene)`, and `.remove()` of what that returns."""

from local.faults.obstacles import network, services
from local.faults.obstacles.obstacle import Obstacle, Placed

OBSTACLES: dict[str, Obstacle] = {
    obstacle.name: obstacle for part in (network, services) for obstacle in part.OBSTACLES
}

__all__ = ["OBSTACLES", "Obstacle", "Placed"]
