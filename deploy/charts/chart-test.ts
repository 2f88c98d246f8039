import { test } from 'node:test'
import { SERVICES, type ServiceName } from '../local/processes.ts'
import { type ContainerSpec, helm, type Manifest, overlay, parseManifests, type Workload } from './chart.ts'
import { obtainHelm } from './obtain-helm.ts'

/** An address for a pod that has none yet. */
export const POD_IP = '10.244.0.7'
/** The values as they come, and each overlay over them. */
export const OVERLAYS: readonly (readonly string[])[] = [
  [],
  overlay('values-dev.yaml'),
  overlay('values-production.yaml'),
]
/** Other vendors' nodes on both sides. */
export const VENDORS: readonly string[] = [
  ...['--set', 'scscf.vendors.sipTlsPort=5061', '--set', 'presence.vendors.sipTlsPort=5061'],
  ...['--set', 'scscf.vendors.peers=as.vendor.example=as@tls:as.vendor.example:5061'],
  ...['--set', 'presence.vendors.peers=scscf.vendor.example=scscf@tls:scscf.vendor.example:5061'],
  ...['--set-json', 'scscf.vendors.from=[{"ipBlock":{"cidr":"192.0.2.0/24"}}]'],
]

/** Once for a file of tests: it may have to be built first. */
const obtained = obtainHelm()

/** A test that needs helm; without one it is skipped, and says why. */
export function chartTest(title: string, act: (helmPath: string) => Promise<void>): void {
  test(title, async (t) => {
    const found = await obtained
    if ('reason' in found) t.skip(found.reason)
    else await act(found.path)
  })
}

export async function render(helmPath: string, args: readonly string[] = []): Promise<Manifest[]> {
  return parseManifests(await helm(helmPath, 'template', args))
}

/** The one container of a component. */
export function containerOf(workloads: readonly Workload[], component: string): ContainerSpec {
  const container = workloads.find((one) => one.component === component)?.pod.containers[0]
  if (!container) throw new Error(`the chart renders no ${component}`)
  return container
}

/** The policy of a component, or the one that denies everything. */
export function policyOf(manifests: readonly Manifest[], name: ServiceName | 'default-deny'): Manifest['spec'] {
  const policy = manifests.find(
    ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === `rollcall-${name}`,
  )
  if (!policy) throw new Error(`the chart renders no NetworkPolicy ${name}; it has services ${SERVICES.join(', ')}`)
  return policy.spec
}
