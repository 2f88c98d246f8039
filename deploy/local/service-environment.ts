import { leafFiles } from '@rollcall/pki'
import type { DataFolder } from './data-folder.ts'
import {
  grpcPort,
  probePort,
  processName,
  type ReplicaCounts,
  type ReplicatedService,
  type ServiceName,
  xcapPort,
} from './processes.ts'
import { hopRoutesOf, type Places, QUICK_SPANS, serviceSettings } from './service-settings.ts'

export { natsUrl, PORT_PS } from './service-settings.ts'

export const TRUST_DOMAIN = 'rollcall.test'
/** UEs send their first REGISTER here, and ESP there. No well-known port, no privilege. */
export const SIP_PORT = 15_060
export const ENCAPSULATION_PORT = 14_500
/** Ub over HTTP and over HTTPS, and Ua: digest, PSK TLS 1.2 and PSK TLS 1.3. */
export const UB_PORT = 15_080
export const UB_TLS_PORT = 15_081
export const UA_PORT = 15_443
export const UA_PSK12_PORT = 15_444
export const UA_PSK13_PORT = 15_445
/** Certificates that UEs see. */
export const PUBLIC_LEAVES = { bsf: 'bsf-public', ap: 'ap-public' } as const

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

/** The environment of one process on this machine. */
export function serviceEnvironment(service: ServiceName, ordinal: number, o: EnvironmentOptions): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([key]) => !key.startsWith('ROLLCALL_') && !key.startsWith('OTEL_'))
  return {
    ...Object.fromEntries(kept),
    ...(o.otlpEndpoint && QUICK_SPANS),
    ...serviceSettings(service, ordinal, localPlaces(o, processName(service, ordinal))),
  }
}

/** Where the processes of a stack are, and where they find things, as one of them sees it on this machine. */
function localPlaces(o: EnvironmentOptions, process: string): Places {
  const { data, address } = o
  const reach = (target: string): string => o.via?.(process, target) ?? target
  const grpc = (service: ServiceName, ordinal: number): string => `${address}:${grpcPort(service, ordinal)}`
  return {
    realm: o.realm,
    trustDomain: TRUST_DOMAIN,
    otlpEndpoint: o.otlpEndpoint,
    tls: (service) => leafFiles(data.pki, service),
    identityHashKeyFile: data.identityHashKeyFile,
    sealingKeysFile: (service) => data.sealingKeysFile(service),
    replicas: { ...o.targets, pcscf: 1 },
    podName: (service, ordinal) => (service === 'pcscf' ? `pcscf-${ordinal}` : processName(service, ordinal)),
    grpcListen: grpc,
    probeListen: (service, ordinal) => `${address}:${probePort(service, ordinal)}`,
    grpcAdvertise: grpc,
    grpcTarget: (service, ordinal) => reach(grpc(service, ordinal)),
    natsServers: o.natsServers.map(reach),
    sipListen: `${address}:${SIP_PORT}`,
    encapsulationListen: `${address}:${ENCAPSULATION_PORT}`,
    hopRoutes: o.hopRoutes ?? [],
    ut: {
      ubListen: `${address}:${UB_PORT}`,
      ubTlsListen: `${address}:${UB_TLS_PORT}`,
      uaListen: `${address}:${UA_PORT}`,
      uaPsk12Listen: `${address}:${UA_PSK12_PORT}`,
      uaPsk13Listen: `${address}:${UA_PSK13_PORT}`,
      publicTls: (service) => leafFiles(data.pki, PUBLIC_LEAVES[service]),
      xcapListen: (ordinal) => `${address}:${xcapPort(ordinal)}`,
      xcapTarget: (ordinal) => reach(`${address}:${xcapPort(ordinal)}`),
    },
  }
}

/**
 * The next-hop table of a process of this machine. Any replica takes what is for its service, so all of them stand behind one
 * host.
 */
export function hopRoutes(o: EnvironmentOptions, process: string): string[] {
  return hopRoutesOf(localPlaces(o, process))
}

/** gRPC listeners of a service's replicas. */
export function targetsOf(
  service: ReplicatedService,
  o: Pick<EnvironmentOptions, 'address' | 'targets'>,
): readonly string[] {
  return Array.from({ length: o.targets[service] }, (_, ordinal) => `${o.address}:${grpcPort(service, ordinal)}`)
}
