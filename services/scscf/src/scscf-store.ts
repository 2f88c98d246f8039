import { leaseTiming, type Runtime } from '@rollcall/runtime'
import { logReplicaEvent, ReplicatedStore, type ReplicaView } from '@rollcall/store'
import type { ScscfConfig } from './config.ts'
import type { Partitions } from './replicas/partitions.ts'

/** The S-CSCF's connection to the store, and this process's place among the replicas that share the registrations. */
export function createScscfStore(o: {
  readonly config: ScscfConfig
  readonly runtime: Pick<Runtime, 'clock' | 'random' | 'log'>
  readonly partitions: Pick<Partitions, 'open' | 'take'>
  readonly view: Pick<ReplicaView, 'join'>
}): ReplicatedStore {
  const { config, runtime, partitions, view } = o
  const { clock, random, log } = runtime
  return new ReplicatedStore({
    service: 'scscf',
    realm: config.ROLLCALL_REALM,
    url: config.ROLLCALL_NATS_URL,
    tls: {
      certFile: config.ROLLCALL_TLS_CERT_FILE,
      keyFile: config.ROLLCALL_TLS_KEY_FILE,
      caFile: config.ROLLCALL_TLS_CA_FILE,
    },
    replica: config.ROLLCALL_REPLICA_NAME,
    target: config.ROLLCALL_GRPC_ADVERTISE ?? config.ROLLCALL_GRPC_LISTEN,
    timing: leaseTiming(config),
    clock,
    random,
    partitions,
    view,
    events: {
      problem: (error) => log.error({ err: error }, 'the store cannot be used; it is tried again'),
      status: (status) => log.info({ status }, 'store connection'),
      log(event) {
        if (event.kind === 'unavailable') log.warn(event, 'a partition log does not answer; REGISTER is refused')
        else log.debug({ event }, 'partition log')
      },
      replica: (event) => logReplicaEvent(log, event),
    },
  })
}
