import { bsfNameOf, xcapRootOf } from '@rollcall/gba'
import { isReplicated, type ServiceName } from './processes.ts'

/** port_ps: nothing but ESP may bring a message for it. */
export const PORT_PS = 15_064

/** Spans of a stack that somebody looks at are sent after this, so that a person and a test see them soon. */
export const QUICK_SPANS = { OTEL_BSP_SCHEDULE_DELAY: '200' } as const

/** Services that a host name leads to one by one, or to any replica of. */
type RoutedService = Exclude<ServiceName, 'hss' | 'bsf' | 'ap'>

/**
 * Where the processes of a stack are and where they find things: all that differs between this machine, containers and a
 * cluster. What is in common is `serviceSettings`, and a test holds the chart against it.
 */
export interface Places {
  readonly realm: string
  readonly trustDomain: string
  readonly otlpEndpoint?: string | undefined
  readonly tls: (service: ServiceName) => {
    readonly certFile: string
    readonly keyFile: string
    readonly caFile: string
  }
  readonly identityHashKeyFile: string
  readonly sealingKeysFile: (service: ServiceName) => string
  /** Replicas that the next-hop tables name, whether they run or not. */
  readonly replicas: Readonly<Record<RoutedService, number>>
  /** Name of a replica: a pod's in a cluster. */
  readonly podName: (service: ServiceName, ordinal: number) => string
  /** `ADDRESS:PORT` that a process listens on. */
  readonly grpcListen: (service: ServiceName, ordinal: number) => string
  readonly probeListen: (service: ServiceName, ordinal: number) => string
  /** `HOST:PORT` where a replica tells others to find it. */
  readonly grpcAdvertise: (service: ServiceName, ordinal: number) => string
  /** `HOST:PORT` where this process reaches another. */
  readonly grpcTarget: (service: ServiceName, ordinal: number) => string
  /** `HOST:PORT` of each nats-server. */
  readonly natsServers: readonly string[]
  /** `ADDRESS:PORT` of the P-CSCF: unprotected SIP, and UDP-encapsulated ESP. */
  readonly sipListen: string
  readonly encapsulationListen: string
  readonly ut: UtPlaces
  /** More next hops, `HOST=ROLE@HOST:PORT`. */
  readonly hopRoutes: readonly string[]
}

/** Where BSF and Authentication Proxy are. */
export interface UtPlaces {
  /** `ADDRESS:PORT` of Ub over HTTP and over HTTPS. */
  readonly ubListen: string
  readonly ubTlsListen: string
  /** `ADDRESS:PORT` of Ua: digest, PSK TLS 1.2, PSK TLS 1.3. */
  readonly uaListen: string
  readonly uaPsk12Listen: string
  readonly uaPsk13Listen: string
  /** What UEs see of them. */
  readonly publicTls: (service: 'bsf' | 'ap') => { readonly certFile: string; readonly keyFile: string }
  /** `ADDRESS:PORT` of Zb at a Presence Server, and `HOST:PORT` where this process reaches it. */
  readonly xcapListen: (ordinal: number) => string
  readonly xcapTarget: (ordinal: number) => string
}

/** The settings of one process, wherever it runs. */
export function serviceSettings(service: ServiceName, ordinal: number, o: Places): Record<string, string> {
  const { certFile, keyFile, caFile } = o.tls(service)
  return {
    ...(o.otlpEndpoint && { OTEL_EXPORTER_OTLP_ENDPOINT: o.otlpEndpoint }),
    OTEL_SERVICE_NAME: service,
    ROLLCALL_REALM: o.realm,
    ROLLCALL_TRUST_DOMAIN: o.trustDomain,
    ROLLCALL_NATS_URL: natsUrl(o.natsServers),
    ROLLCALL_TLS_CERT_FILE: certFile,
    ROLLCALL_TLS_KEY_FILE: keyFile,
    ROLLCALL_TLS_CA_FILE: caFile,
    ROLLCALL_GRPC_LISTEN: o.grpcListen(service, ordinal),
    ROLLCALL_PROBE_LISTEN: o.probeListen(service, ordinal),
    ROLLCALL_IDENTITY_HASH_KEY_FILE: o.identityHashKeyFile,
    ...(isReplicated(service) && {
      ROLLCALL_REPLICA_NAME: o.podName(service, ordinal),
      ROLLCALL_GRPC_ADVERTISE: o.grpcAdvertise(service, ordinal),
    }),
    ...(service === 'hss' && {
      ROLLCALL_HSS_SEALING_KEYS_FILE: o.sealingKeysFile('hss'),
      ROLLCALL_PRESENCE_TARGETS: targetsIn('presence', o).join(','),
      ROLLCALL_HSS_SCSCF_TARGETS: targetsIn('scscf', o).join(','),
    }),
    ...(speaksSip(service) && { ROLLCALL_HOP_ROUTES: hopRoutesOf(o).join(',') }),
    ...(isReplicated(service) && { ROLLCALL_HSS_TARGET: o.grpcTarget('hss', 0) }),
    ...(service === 'pcscf' && {
      ROLLCALL_PCSCF_POD_NAME: o.podName('pcscf', ordinal),
      ROLLCALL_PCSCF_SIP_LISTEN: o.sipListen,
      ROLLCALL_PCSCF_ENCAPSULATION_LISTEN: o.encapsulationListen,
      ROLLCALL_PCSCF_PORT_PS: String(PORT_PS),
      ROLLCALL_PCSCF_SEALING_KEYS_FILE: o.sealingKeysFile('pcscf'),
    }),
    ...utSettings(service, ordinal, o, o.ut),
  }
}

function utSettings(service: ServiceName, ordinal: number, o: Places, ut: UtPlaces): Record<string, string> {
  switch (service) {
    case 'presence':
      return { ROLLCALL_XCAP_LISTEN: ut.xcapListen(ordinal) }
    case 'bsf': {
      const { certFile, keyFile } = ut.publicTls('bsf')
      return {
        ROLLCALL_HSS_TARGET: o.grpcTarget('hss', 0),
        ROLLCALL_BSF_SEALING_KEYS_FILE: o.sealingKeysFile('bsf'),
        ROLLCALL_BSF_HTTP_LISTEN: ut.ubListen,
        ROLLCALL_BSF_HTTPS_LISTEN: ut.ubTlsListen,
        ROLLCALL_BSF_PUBLIC_CERT_FILE: certFile,
        ROLLCALL_BSF_PUBLIC_KEY_FILE: keyFile,
        // What is for authentication proxies and for presence (TS 29.109 annex B), to this one alone.
        ROLLCALL_BSF_NAF_GSIDS: `${xcapHostOf(o.realm)}=2+3`,
      }
    }
    case 'ap': {
      const { certFile, keyFile } = ut.publicTls('ap')
      const xcap = Array.from({ length: o.replicas.presence }, (_, at) => ut.xcapTarget(at))
      return {
        ROLLCALL_AP_DIGEST_LISTEN: ut.uaListen,
        ROLLCALL_AP_PSK_TLS12_LISTEN: ut.uaPsk12Listen,
        ROLLCALL_AP_PSK_TLS13_LISTEN: ut.uaPsk13Listen,
        ROLLCALL_AP_PUBLIC_CERT_FILE: certFile,
        ROLLCALL_AP_PUBLIC_KEY_FILE: keyFile,
        ROLLCALL_AP_NAF_FQDN: xcapHostOf(o.realm),
        ROLLCALL_AP_XCAP_TARGETS: xcap.join(','),
        ROLLCALL_BSF_TARGET: o.grpcTarget('bsf', 0),
        ROLLCALL_HSS_TARGET: o.grpcTarget('hss', 0),
      }
    }
    default:
      return {}
  }
}

/** The BSF's name in a network. */
export function bsfHostOf(realm: string): string {
  return bsfNameOf(`@${realm}`)
}

/** The host of a network's XCAP root. */
export function xcapHostOf(realm: string): string {
  return new URL(xcapRootOf(realm)).hostname
}

/**
 * The static next-hop table of a process. Any replica of S-CSCF and Presence Server takes what is for its service, so all of
 * them stand behind one host; a P-CSCF has contacts of its own, and so a host of its own.
 */
export function hopRoutesOf(o: Places): string[] {
  const { realm } = o
  const of = (service: RoutedService): string => `${service}@${targetsIn(service, o).join('|')}`
  const pcscfs = Array.from(
    { length: o.replicas.pcscf },
    (_, ordinal) => `${o.podName('pcscf', ordinal)}.pcscf.${realm}=pcscf@${o.grpcTarget('pcscf', ordinal)}`,
  )
  return [
    `${realm}=${of('scscf')}`,
    `scscf-0.scscf.${realm}=${of('scscf')}`,
    ...pcscfs,
    `presence.${realm}=${of('presence')}`,
    ...o.hopRoutes,
  ]
}

/** Any of the servers will do: a client goes to the next one when one is away. */
export function natsUrl(servers: readonly string[]): string {
  return servers.map((server) => `tls://${server}`).join(',')
}

function speaksSip(service: ServiceName): service is RoutedService {
  return service === 'pcscf' || isReplicated(service)
}

function targetsIn(service: RoutedService, o: Places): readonly string[] {
  return Array.from({ length: o.replicas[service] }, (_, ordinal) => o.grpcTarget(service, ordinal))
}
