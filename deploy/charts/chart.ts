import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { ROOT } from '../check/root.ts'
import { MOUNTED_FILES } from '../local/mounted-files.ts'
import { grpcPort, probePort, type ServiceName, xcapPort } from '../local/processes.ts'
import type { Places } from '../local/service-settings.ts'
import { run } from '../local/tool.ts'

const HELM_MS_MAX = 60_000
const CHART = join(ROOT, 'charts/rollcall')
export const RELEASE = 'rollcall'

/** A manifest as YAML gives it. What is read from it is checked where it is read. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  /** Empty for Secrets and accounts, which have none. */
  readonly spec: Readonly<Record<string, unknown>>
  readonly data?: Readonly<Record<string, string>>
}

/** The parts of a container that tests look at. */
export interface ContainerSpec {
  readonly name: string
  readonly image: string
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: FieldRef }[]
  readonly securityContext: Readonly<Record<string, unknown>>
  readonly resources: { readonly requests?: object; readonly limits?: { readonly memory?: string } }
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
  readonly livenessProbe?: object
  readonly readinessProbe?: object
  readonly startupProbe?: object
}

interface FieldRef {
  readonly fieldRef: { readonly fieldPath: string }
}

interface VolumeSource {
  readonly name: string
  readonly secret?: { readonly secretName: string }
  readonly projected?: { readonly sources: readonly { readonly secret: { readonly name: string } }[] }
}

/** The parts of a pod that tests look at. */
export interface PodSpec {
  readonly containers: readonly ContainerSpec[]
  readonly volumes?: readonly VolumeSource[]
  readonly securityContext: Readonly<Record<string, unknown>>
  readonly automountServiceAccountToken: boolean
  readonly enableServiceLinks: boolean
  readonly serviceAccountName: string
}

/** A workload of the chart, with its pod. */
export interface Workload {
  readonly kind: string
  readonly name: string
  readonly component: string
  readonly replicas: number
  readonly labels: Readonly<Record<string, string>>
  readonly pod: PodSpec
  readonly volumeClaims: readonly string[]
}

/** Runs helm on the chart. @throws Error with what helm said */
export async function helm(path: string, command: 'lint' | 'template', args: readonly string[]): Promise<string> {
  const target = command === 'lint' ? ['lint', '--strict', CHART] : ['template', RELEASE, CHART]
  return await run(path, [...target, ...args], { timeoutMs: HELM_MS_MAX })
}

/** The arguments that lay an overlay of the chart over its values. */
export function overlay(name: string): string[] {
  return ['--values', join(CHART, name)]
}

/** @throws Error when it is no YAML */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => {
      const [error] = 'errors' in document ? document.errors : []
      if (error) throw error
      return document.toJS() as Manifest | null
    })
    .filter((manifest) => manifest !== null)
    .map((manifest) => ({ ...manifest, spec: manifest.spec ?? {} }))
}

/** What makes pods. */
export function workloadsOf(manifests: readonly Manifest[]): Workload[] {
  return manifests
    .filter(({ kind }) => ['Deployment', 'StatefulSet', 'Job'].includes(kind))
    .map(({ kind, metadata, spec }) => {
      const { template, replicas, volumeClaimTemplates } = spec as {
        template: { metadata: { labels: Record<string, string> }; spec: PodSpec }
        replicas?: number
        volumeClaimTemplates?: { metadata: { name: string } }[]
      }
      return {
        kind,
        name: metadata.name,
        component: String(metadata.labels['app.kubernetes.io/component']),
        replicas: replicas ?? 1,
        labels: template.metadata.labels,
        pod: template.spec,
        volumeClaims: (volumeClaimTemplates ?? []).map((claim) => claim.metadata.name),
      }
    })
}

/** The environment that a container of a pod gets: `$(NAME)` is replaced as the kubelet does. */
export function environmentOf(container: ContainerSpec, pod: { name: string; ip: string }): Record<string, string> {
  const fields: Readonly<Record<string, string>> = { 'metadata.name': pod.name, 'status.podIP': pod.ip }
  const given: Record<string, string> = {}
  for (const { name, value, valueFrom } of container.env ?? []) {
    given[name] = valueFrom
      ? String(fields[valueFrom.fieldRef.fieldPath])
      : String(value).replace(/\$\(([A-Z_]+)\)/g, (whole, other: string) => given[other] ?? whole)
  }
  return given
}

/** Where everything is in a cluster, as `serviceSettings` asks: what the chart must render. */
export function clusterPlaces(o: { replicas: Places['replicas']; podIp: string; natsServers: number }): Places {
  const nameOf = (service: string): string => `${RELEASE}-${service}`
  const podName = (service: ServiceName, ordinal: number): string => `${nameOf(service)}-${ordinal}`
  const target = (service: ServiceName, ordinal: number): string => {
    const isOne = service === 'hss' || service === 'bsf' || service === 'ap'
    const host = isOne ? nameOf(service) : `${podName(service, ordinal)}.${nameOf(service)}`
    return `${host}:${grpcPort(service, 0)}`
  }
  return {
    realm: 'ims.mnc001.mcc001.3gppnetwork.org',
    trustDomain: 'rollcall.test',
    tls: () => MOUNTED_FILES.tls,
    identityHashKeyFile: MOUNTED_FILES.identityHashKeyFile,
    sealingKeysFile: () => MOUNTED_FILES.sealingKeysFile,
    replicas: o.replicas,
    podName,
    grpcListen: (service) => `0.0.0.0:${grpcPort(service, 0)}`,
    probeListen: (service) => `0.0.0.0:${probePort(service, 0)}`,
    grpcAdvertise: target,
    grpcTarget: target,
    natsServers: Array.from({ length: o.natsServers }, (_, n) => `${nameOf('nats')}-${n}.${nameOf('nats')}:4222`),
    sipListen: `${o.podIp}:5060`,
    encapsulationListen: `${o.podIp}:4500`,
    hopRoutes: [],
    ut: {
      ubListen: '0.0.0.0:8080',
      ubTlsListen: '0.0.0.0:8443',
      uaListen: '0.0.0.0:9443',
      uaPsk12Listen: '0.0.0.0:9444',
      uaPsk13Listen: '0.0.0.0:9445',
      publicTls: () => MOUNTED_FILES.publicTls,
      xcapListen: () => `0.0.0.0:${xcapPort(0)}`,
      xcapTarget: (ordinal) => `${podName('presence', ordinal)}.${nameOf('presence')}:${xcapPort(0)}`,
    },
  }
}
