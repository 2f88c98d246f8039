import { MOUNTED_FILES } from '@rollcall/deploy/local/mounted-files.ts'
import { grpcPort, isReplicated, probePort, type ServiceName, xcapPort } from '@rollcall/deploy/local/processes.ts'
import {
  TRUST_DOMAIN,
  UA_PORT,
  UA_PSK12_PORT,
  UA_PSK13_PORT,
  UB_PORT,
  UB_TLS_PORT,
} from '@rollcall/deploy/local/service-environment.ts'
import type { Places } from '@rollcall/deploy/local/service-settings.ts'
import { ENCAPSULATION_PORT, SIP_PORT } from '@rollcall/deploy/local/stack.ts'
import { REALM } from '../support/network.ts'
import type { Bridge } from './bridge.ts'

export const NATS_PORT = 14_222
/** Where the volume of NATS is mounted. */
export const NATS_FOLDER = '/var/lib/rollcall/nats'
/** Presence Servers share the presentities; one of each is enough of the others. */
const REPLICAS = { presence: 2, scscf: 1, pcscf: 1 } as const

/** Last octet of each container's address on the bridge. */
const HOSTS: Readonly<Record<string, number>> = {
  nats: 10,
  'store-init': 11,
  hss: 20,
  'presence-0': 30,
  'presence-1': 31,
  'scscf-0': 40,
  'pcscf-0': 50,
  bsf: 60,
  ap: 70,
}

/** What the image of NATS is told. */
export const NATS_SETTINGS: Readonly<Record<string, string>> = {
  ROLLCALL_TRUST_DOMAIN: TRUST_DOMAIN,
  ROLLCALL_TLS_CERT_FILE: MOUNTED_FILES.tls.certFile,
  ROLLCALL_TLS_KEY_FILE: MOUNTED_FILES.tls.keyFile,
  ROLLCALL_TLS_CA_FILE: MOUNTED_FILES.tls.caFile,
  ROLLCALL_NATS_SERVER_NAME: 'nats-0',
  ROLLCALL_NATS_LISTEN: `0.0.0.0:${NATS_PORT}`,
  ROLLCALL_NATS_STORE_DIR: `${NATS_FOLDER}/jetstream`,
  ROLLCALL_NATS_ENCRYPTION_KEY_FILE: MOUNTED_FILES.natsKeyFile,
}

export function countOf(service: ServiceName): number {
  return service === 'hss' || service === 'bsf' || service === 'ap' ? 1 : REPLICAS[service]
}

/** Name of a container, and its name for the others: as a cluster would name the pod. */
export function podName(service: ServiceName, ordinal: number): string {
  return isReplicated(service) || service === 'pcscf' ? `${service}-${ordinal}` : service
}

export function addressIn(bridge: Bridge, name: string): string {
  const host = HOSTS[name]
  if (host === undefined) throw new Error(`assertion failed: no container ${name}`)
  return bridge.address(host)
}

/** Where everything is on the network of containers. */
export function containerPlaces(bridge: Bridge, otlpPort: number | undefined): Places {
  const target = (service: ServiceName, ordinal: number): string =>
    `${podName(service, ordinal)}:${grpcPort(service, 0)}`
  const pcscf = addressIn(bridge, 'pcscf-0')
  return {
    realm: REALM,
    trustDomain: TRUST_DOMAIN,
    otlpEndpoint: otlpPort === undefined ? undefined : `http://${bridge.gateway}:${otlpPort}`,
    tls: () => MOUNTED_FILES.tls,
    identityHashKeyFile: MOUNTED_FILES.identityHashKeyFile,
    sealingKeysFile: () => MOUNTED_FILES.sealingKeysFile,
    replicas: REPLICAS,
    podName,
    grpcListen: (service) => `0.0.0.0:${grpcPort(service, 0)}`,
    probeListen: (service) => `0.0.0.0:${probePort(service, 0)}`,
    grpcAdvertise: target,
    grpcTarget: target,
    natsServers: [`nats:${NATS_PORT}`],
    sipListen: `${pcscf}:${SIP_PORT}`,
    encapsulationListen: `${pcscf}:${ENCAPSULATION_PORT}`,
    hopRoutes: [],
    ut: {
      ubListen: `0.0.0.0:${UB_PORT}`,
      ubTlsListen: `0.0.0.0:${UB_TLS_PORT}`,
      uaListen: `0.0.0.0:${UA_PORT}`,
      uaPsk12Listen: `0.0.0.0:${UA_PSK12_PORT}`,
      uaPsk13Listen: `0.0.0.0:${UA_PSK13_PORT}`,
      publicTls: () => MOUNTED_FILES.publicTls,
      xcapListen: () => `0.0.0.0:${xcapPort(0)}`,
      xcapTarget: (ordinal) => `${podName('presence', ordinal)}:${xcapPort(0)}`,
    },
  }
}
