/** The services that run as processes of their own, in the order in which they start. */
export const SERVICES = ['hss', 'presence', 'scscf', 'pcscf', 'bsf', 'ap'] as const
export type ServiceName = (typeof SERVICES)[number]

/** Those that SIP needs: without the rest there is no Ut. */
export const SIP_SERVICES = ['hss', 'presence', 'scscf', 'pcscf'] as const

/** Services of which several replicas share the partitions. */
export const REPLICATED_SERVICES = ['presence', 'scscf'] as const
export type ReplicatedService = (typeof REPLICATED_SERVICES)[number]

/** How many replicas of each there are. */
export type ReplicaCounts = Readonly<Record<ReplicatedService, number>>

/** Ports are cut for so many, and nobody needs more on one machine. */
export const REPLICAS_MAX = 8

const GRPC_PORTS: Readonly<Record<ServiceName, number>> = {
  hss: 17_001,
  scscf: 17_002,
  presence: 17_003,
  pcscf: 17_004,
  bsf: 17_005,
  ap: 17_006,
}
/** From a replica's gRPC port to that of the next one. */
const REPLICA_PORT_STEP = 10
/** From a gRPC port to the port of `/livez`, `/readyz` and `/metrics` of the same process. */
const PROBE_PORT_STEP = 100
/** From a Presence Server's gRPC port to the port of Zb, where it serves documents. */
const XCAP_PORT_STEP = 200

export function isReplicated(service: ServiceName): service is ReplicatedService {
  return service === 'presence' || service === 'scscf'
}

/** `presence-1`: as a StatefulSet would name the pod. The HSS and the P-CSCF are one process each, and have no number. */
export function processName(service: ServiceName, ordinal: number): string {
  return isReplicated(service) ? `${service}-${ordinal}` : service
}

export function grpcPort(service: ServiceName, ordinal: number): number {
  return GRPC_PORTS[service] + ordinal * REPLICA_PORT_STEP
}

export function probePort(service: ServiceName, ordinal: number): number {
  return grpcPort(service, ordinal) + PROBE_PORT_STEP
}

/** Where a Presence Server serves documents to the Authentication Proxy. */
export function xcapPort(ordinal: number): number {
  return grpcPort('presence', ordinal) + XCAP_PORT_STEP
}

/** @throws RangeError when there cannot be so many. */
export function checkReplicas(counts: ReplicaCounts): ReplicaCounts {
  for (const service of REPLICATED_SERVICES) {
    const count = counts[service]
    if (!Number.isInteger(count) || count < 1 || count > REPLICAS_MAX)
      throw new RangeError(`there are 1 to ${REPLICAS_MAX} replicas of ${service}, not ${count}`)
  }
  return counts
}
