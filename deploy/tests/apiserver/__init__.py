"""A stand-in for a Kubernetes API server, in memory, with as much of one as Helm 3 and 4 talk to.

It serves discovery, objects, lists, watches and the patches that Helm sends, keeps who set which field (so that
server-side apply meets conflicts), refuses what is not in Kubernetes' own schemas, and has the controllers that a
release waits for: Deployments roll out, autoscalers set the number of replicas, and what an object owns goes with it.
It has no scheduler, no nodes, no permissions and no encryption.
"""

from .server import ApiServer

__all__ = ["ApiServer"]
