import { leafFiles } from '@rollcall/pki'
import type { DataFolder } from './data-folder.ts'
import {
  grpcPort,
  isReplicated,
  probePort,
  processName,
  type ReplicaCounts,
  type ReplicatedService,
  type ServiceName,
} from './processes.ts'

export const TRUST_DOMAIN = 'rollcall.test'
/** UEs send their first REGISTER here, and ESP there. No well-known port, no privilege. */
export const SIP_PORT = 15_060
export const ENCAPSULATION_PORT = 14_500
/** port_ps: nothing but ESP may bring a message for it. */
export const PORT_PS = 15_064

/** Spans are sent after this, so that a person and a test see them soon. */
const SPAN_DELAY_MS = 200

export interface EnvironmentOptions {
  readonly data: DataFolder
  readonly realm: string
  readonly address: string
  /** `HOST:PORT` of each nats-server. */
  readonly natsServers: readonly string[]
  readonly otlpEndpoint?: string | undefined
  /** Replicas that the next-hop tables name, whether they run or not. */
  readonly targets: ReplicaCounts
  /** More next hops, `HOST=ROLE@HOST:PORT`, for nodes that somebody else plays. */
  readonly hopRoutes?: readonly string[] | undefined
  /** Where a process reaches `target`, `HOST:PORT`, when that is not there itself: for tests that put something between. */
  readonly via?: ((process: string, target: string) => string) | undefined
}

/** The settings of one process, as a chart would render them. */
export function serviceEnvironment(service: ServiceName, ordinal: number, o: EnvironmentOptions): NodeJS.ProcessEnv {
  const { data, realm, address, otlpEndpoint } = o
  const { certFile, keyFile, caFile } = leafFiles(data.pki, service)
  const kept = Object.entries(process.env).filter(([key]) => !key.startsWith('ROLLCALL_') && !key.startsWith('OTEL_'))
  const grpc = `${address}:${grpcPort(service, ordinal)}`
  const name = processName(service, ordinal)
  const reach = (target: string): string => o.via?.(name, target) ?? target
  return {
    ...Object.fromEntries(kept),
    ...(otlpEndpoint && {
      OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint,
      OTEL_BSP_SCHEDULE_DELAY: String(SPAN_DELAY_MS),
    }),
    OTEL_SERVICE_NAME: service,
    ROLLCALL_REALM: realm,
    ROLLCALL_TRUST_DOMAIN: TRUST_DOMAIN,
    ROLLCALL_NATS_URL: natsUrl(o.natsServers.map(reach)),
    ROLLCALL_TLS_CERT_FILE: certFile,
    ROLLCALL_TLS_KEY_FILE: keyFile,
    ROLLCALL_TLS_CA_FILE: caFile,
    ROLLCALL_GRPC_LISTEN: grpc,
    ROLLCALL_PROBE_LISTEN: `${address}:${probePort(service, ordinal)}`,
    ROLLCALL_IDENTITY_HASH_KEY_FILE: data.identityHashKeyFile,
    ...(isReplicated(service) && {
      ROLLCALL_REPLICA_NAME: name,
      ROLLCALL_GRPC_ADVERTISE: grpc,
    }),
    ...(service === 'hss' && {
      ROLLCALL_HSS_SEALING_KEYS_FILE: data.sealingKeysFile('hss'),
      ROLLCALL_PRESENCE_TARGETS: targetsOf('presence', o).map(reach).join(','),
    }),
    ...(service !== 'hss' && { ROLLCALL_HOP_ROUTES: hopRoutes(o, name).join(',') }),
    ...(isReplicated(service) && { ROLLCALL_HSS_TARGET: reach(`${address}:${grpcPort('hss', 0)}`) }),
    ...(service === 'pcscf' && {
      ROLLCALL_PCSCF_POD_NAME: 'pcscf-0',
      ROLLCALL_PCSCF_SIP_LISTEN: `${address}:${SIP_PORT}`,
      ROLLCALL_PCSCF_ENCAPSULATION_LISTEN: `${address}:${ENCAPSULATION_PORT}`,
      ROLLCALL_PCSCF_PORT_PS: String(PORT_PS),
      ROLLCALL_PCSCF_SEALING_KEYS_FILE: data.sealingKeysFile('pcscf'),
    }),
  }
}

/** The static next-hop table of a process. Any replica takes what is for its service, so all of them stand behind one host. */
export function hopRoutes(o: EnvironmentOptions, process: string): string[] {
  const { realm, address } = o
  const reach = (target: string): string => o.via?.(process, target) ?? target
  const of = (service: ReplicatedService): string => `${service}@${targetsOf(service, o).map(reach).join('|')}`
  return [
    `${realm}=${of('scscf')}`,
    `scscf-0.scscf.${realm}=${of('scscf')}`,
    `pcscf-0.pcscf.${realm}=pcscf@${reach(`${address}:${grpcPort('pcscf', 0)}`)}`,
    `presence.${realm}=${of('presence')}`,
    ...(o.hopRoutes ?? []),
  ]
}

/** Any of the servers will do: a client goes to the next one when one is away. */
export function natsUrl(servers: readonly string[]): string {
  return servers.map((server) => `tls://${server}`).join(',')
}

/** gRPC listeners of a service's replicas. */
export function targetsOf(
  service: ReplicatedService,
  o: Pick<EnvironmentOptions, 'address' | 'targets'>,
): readonly string[] {
  return Array.from({ length: o.targets[service] }, (_, ordinal) => `${o.address}:${grpcPort(service, ordinal)}`)
}
