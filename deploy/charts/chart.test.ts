import assert from 'node:assert/strict'
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../check/root.ts'
import { SERVICES, type ServiceName } from '../local/processes.ts'
import { serviceSettings } from '../local/service-settings.ts'
import { clusterPlaces, environmentOf, helm, type Manifest, overlay, workloadsOf } from './chart.ts'
import { chartTest, containerOf, OVERLAYS, POD_IP, render, VENDORS } from './chart-test.ts'
import { built, obtainHelm } from './obtain-helm.ts'

const BUILD_MS_MAX = 600_000

chartTest('helm lint --strict finds nothing, with each overlay', async (path) => {
  for (const args of OVERLAYS) assert.match(await helm(path, 'lint', args), /0 chart\(s\) failed/)
})

chartTest('each pod gets the very environment that the local runner gives, but for where things are', async (path) => {
  for (const args of OVERLAYS) {
    const workloads = workloadsOf(await render(path, args))
    const countOf = (component: string): number => workloads.find((one) => one.component === component)?.replicas ?? 0
    const places = clusterPlaces({
      replicas: { presence: countOf('presence'), scscf: countOf('scscf'), pcscf: countOf('pcscf') },
      podIp: POD_IP,
      natsServers: countOf('nats'),
    })
    for (const service of SERVICES) {
      for (let ordinal = 0; ordinal < countOf(service); ordinal++) {
        const rendered = environmentOf(containerOf(workloads, service), { name: podName(service, ordinal), ip: POD_IP })
        const { POD_NAME, POD_IP: ip, ...settings } = rendered
        assert.deepEqual([POD_NAME, ip], [podName(service, ordinal), POD_IP])
        const wanted = { ...serviceSettings(service, ordinal, places), ROLLCALL_LOG_LEVEL: 'info' }
        assert.deepEqual(settings, wanted, `${service} ${ordinal} ${args.join(' ')}`)
      }
    }
  }
})

chartTest(
  'each service, and NATS, takes the environment that the chart renders: nothing is missing or misspelt',
  async (path) => {
    // Three servers of NATS have more settings than one; the services' are the same.
    for (const [services, args] of [
      [[...SERVICES, 'nats'], []],
      [['nats'], overlay('values-production.yaml')],
      [['presence', 'scscf'], VENDORS],
    ] as const) {
      const workloads = workloadsOf(await render(path, args))
      for (const service of services) {
        const environment = environmentOf(containerOf(workloads, service), {
          name: `rollcall-${service}-0`,
          ip: POD_IP,
        })
        const said = spawnSync(process.execPath, [`services/${service}/src/main.ts`], {
          cwd: ROOT,
          env: { PATH: process.env.PATH, ...environment },
          encoding: 'utf8',
        })
        // It gets as far as the first file, which is mounted in a pod and not here.
        assert.equal(said.status, 78, said.stderr)
        assert.match(said.stderr, /\/etc\/rollcall\/(?:tls\/|nats-key\/key, which cannot be read)/)
        if (service !== 'nats') assert.doesNotMatch(said.stderr, /settings? wrong/)
        else assert.match(said.stderr, /: 1 setting wrong/)
      }
    }
  },
)

chartTest('no pod has root, a capability, a writable root, a token or a volume that is not there', async (path) => {
  for (const args of [...OVERLAYS, VENDORS, ['--set', 'pcscf.hostNetwork=true']]) {
    const manifests = await render(path, args)
    const named = new Set(manifests.flatMap((manifest) => secretsMadeBy(manifest)))
    for (const { name, kind, pod, volumeClaims } of workloadsOf(manifests)) {
      assert.equal(pod.automountServiceAccountToken, false, name)
      assert.equal(pod.enableServiceLinks, false, name)
      assert.deepEqual(pick(pod.securityContext, ['runAsNonRoot', 'runAsUser', 'seccompProfile']), {
        runAsNonRoot: true,
        runAsUser: 10_001,
        seccompProfile: { type: 'RuntimeDefault' },
      })
      const volumes = pod.volumes ?? []
      for (const container of pod.containers) {
        assert.deepEqual(container.securityContext, {
          allowPrivilegeEscalation: false,
          privileged: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        assert.ok(container.resources.requests && container.resources.limits?.memory, name)
        const isService = kind !== 'Job'
        assert.deepEqual(
          [container.startupProbe, container.livenessProbe, container.readinessProbe].map(Boolean),
          [isService, isService, isService],
          name,
        )
        const there = [...volumes.map((volume) => volume.name), ...volumeClaims]
        for (const mount of container.volumeMounts) assert.ok(there.includes(mount.name), `${name} ${mount.name}`)
        assert.equal(container.volumeMounts.length, there.length, `${name} mounts all that it has`)
      }
      for (const volume of volumes) {
        const secrets = [
          volume.secret?.secretName,
          ...(volume.projected?.sources ?? []).map(({ secret }) => secret.name),
        ]
        for (const secret of secrets.filter((one) => one !== undefined))
          assert.ok(named.has(secret), `${name}: ${secret}`)
      }
      assert.ok(manifests.some((one) => one.kind === 'ServiceAccount' && one.metadata.name === pod.serviceAccountName))
    }
  }
})

chartTest('each Service, StatefulSet, policy and budget names pods that there are', async (path) => {
  for (const args of OVERLAYS) {
    const manifests = await render(path, args)
    const pods = workloadsOf(manifests).map(({ labels }) => labels)
    const isChosen = (selector: Readonly<Record<string, string>>): boolean =>
      pods.some((labels) => Object.entries(selector).every(([key, value]) => labels[key] === value))
    for (const { kind, metadata, spec } of manifests) {
      const { selector, podSelector, serviceName } = spec as Record<string, unknown> & { serviceName?: string }
      const wanted = (podSelector ?? selector) as { matchLabels?: Record<string, string> } | undefined
      if (kind === 'Service') assert.ok(isChosen(selector as Record<string, string>), metadata.name)
      if (wanted?.matchLabels) assert.ok(isChosen(wanted.matchLabels), `${kind} ${metadata.name}`)
      if (kind === 'StatefulSet')
        assert.ok(
          manifests.some((one) => one.kind === 'Service' && one.metadata.name === serviceName),
          metadata.name,
        )
    }
    assert.equal(new Set(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).size, manifests.length)
  }
})

chartTest('a certificate names one role, and every host that it is asked for by', async (path) => {
  for (const args of OVERLAYS) {
    const manifests = await render(path, args)
    const certificates = manifests
      .filter(({ kind, spec }) => kind === 'Certificate' && spec.isCA !== true)
      .map(({ spec }) => spec as { secretName: string; uris?: string[]; dnsNames?: string[]; usages: string[] })
    // What UEs see of the BSF and the Authentication Proxy is nobody inside of the trust domain.
    const isPublic = ({ secretName }: { secretName: string }): boolean => /-(?:bsf|ap)-public-tls$/.test(secretName)
    const open = certificates.filter(isPublic)
    assert.deepEqual(
      open.map(({ uris, usages, dnsNames }) => [uris, usages, dnsNames]),
      ['bsf', 'xcap'].map((name) => [
        undefined,
        ['digital signature', 'server auth'],
        [`${name}.ims.mnc001.mcc001.pub.3gppnetwork.org`],
      ]),
    )
    for (const { uris = [], usages } of certificates.filter((one) => !isPublic(one))) {
      assert.equal(uris.length, 1)
      assert.match(String(uris[0]), /^spiffe:\/\/rollcall\.test\/ns\/ims\/sa\/[a-z-]+$/)
      assert.deepEqual(usages, ['digital signature', 'server auth', 'client auth'])
    }
    // The NAF whose keys it may ask for.
    const ap = certificates.find(({ secretName }) => secretName === 'rollcall-ap-tls')
    assert.ok(ap?.dnsNames?.includes('xcap.ims.mnc001.mcc001.pub.3gppnetwork.org'))
    const workloads = workloadsOf(manifests)
    const settings = environmentOf(containerOf(workloads, 'hss'), { name: 'hss', ip: POD_IP })
    const nats = certificates.find(({ secretName }) => secretName === 'rollcall-nats-tls')
    for (const url of String(settings.ROLLCALL_NATS_URL).split(',')) {
      const { hostname } = new URL(url)
      const wildcard = hostname.replace(/^[^.]+/, '*')
      assert.ok(nats?.dnsNames?.includes(wildcard), hostname)
    }
    // Routes between servers have an authority of their own.
    const routes = certificates.filter(({ secretName }) => secretName === 'rollcall-nats-route-tls')
    assert.equal(routes.length, (workloads.find(({ component }) => component === 'nats')?.replicas ?? 0) > 1 ? 1 : 0)
  }
})

chartTest('a value that is misspelt, or that the chart renders itself, is refused', async (path) => {
  for (const wrong of [
    'presense.replicas=2',
    'hss.settings.ROLLCALL_REALM=x',
    'nats.replicas=2',
    'pcscf.ports.sip=80',
  ]) {
    await assert.rejects(render(path, ['--set', wrong]), /schema|additional|not allowed/i, wrong)
  }
  await assert.rejects(render(path, ['--set', 'nats.enabled=false']), /nats\.external\.servers/)
})

chartTest('with Secrets that are there, and a NATS elsewhere, nothing of them is made', async (path) => {
  const set = [
    ...['certificates.mode=existing', 'secrets.generate=false', 'certificates.existingSecrets.hss=my-hss'],
    ...['nats.enabled=false', 'nats.external.servers={nats.example.com:4222}', 'secrets.existing.hssSealing=my-keys'],
  ].flatMap((value) => ['--set', value])
  const manifests = await render(path, set)
  for (const kind of ['Certificate', 'Issuer', 'Secret']) assert.ok(!manifests.some((one) => one.kind === kind), kind)
  const workloads = workloadsOf(manifests)
  assert.ok(!workloads.some(({ component }) => component === 'nats'))
  const hss = workloads.find(({ component }) => component === 'hss')
  const secrets = hss?.pod.volumes?.map(({ secret }) => secret?.secretName)
  assert.deepEqual(secrets, ['my-hss', 'rollcall-identity-hash', 'my-keys'])
  const { ROLLCALL_NATS_URL } = environmentOf(containerOf(workloads, 'hss'), { name: 'hss', ip: POD_IP })
  assert.equal(ROLLCALL_NATS_URL, 'tls://nats.example.com:4222')
})

chartTest('the store is declared empty at an installation, and never at an upgrade', async (path) => {
  const argsOf = async (args: string[]): Promise<readonly string[]> => {
    const job = (await render(path, args)).find(({ kind }) => kind === 'Job')
    const template = job?.spec.template as { spec: { containers: { args: string[] }[] } } | undefined
    return template?.spec.containers[0]?.args ?? []
  }
  assert.ok((await argsOf([])).includes('--first-installation'))
  assert.ok(!(await argsOf(['--is-upgrade'])).includes('--first-installation'))
  assert.ok((await argsOf(overlay('values-production.yaml'))).includes('--replicas=3'))
})

chartTest('keys that the chart makes are what services read, and others each time', async (path) => {
  const keysOf = async (): Promise<Map<string, string>> => {
    const secrets = (await render(path)).filter(({ kind }) => kind === 'Secret')
    return new Map(
      secrets.map(({ metadata, data }) => [
        metadata.name,
        Buffer.from(Object.values(data ?? {})[0] ?? '', 'base64').toString(),
      ]),
    )
  }
  const [first, second] = [await keysOf(), await keysOf()]
  assert.deepEqual([...first.keys()].sort(), [
    'rollcall-bsf-sealing',
    'rollcall-hss-sealing',
    'rollcall-identity-hash',
    'rollcall-nats-encryption',
    'rollcall-pcscf-sealing',
  ])
  for (const [name, text] of first) assert.notEqual(text, second.get(name), name)
  for (const service of ['hss', 'pcscf', 'bsf']) {
    const keys = JSON.parse(first.get(`rollcall-${service}-sealing`) ?? '') as Record<string, unknown>
    assert.deepEqual([keys.current, keys.hash], ['k1', 'h1'])
    for (const key of Object.values(keys.keys as Record<string, string>))
      assert.equal(Buffer.from(key, 'base64').length, 32)
  }
  assert.match(first.get('rollcall-nats-encryption') ?? '', /^k[A-Za-z0-9_-]{32,128}$/)
})

test("the Go types of Kubernetes' own API take every manifest, strictly", { timeout: 2 * BUILD_MS_MAX }, async (t) => {
  const obtained = await obtainHelm()
  if ('reason' in obtained) return t.skip(obtained.reason)
  const folder = join(ROOT, 'deploy/charts/strict')
  const sources = await Promise.all(
    ['main.go', 'go.mod', 'go.sum'].map(async (name) => await readFile(join(folder, name))),
  )
  const digest = createHash('sha256').update(Buffer.concat(sources)).digest('hex').slice(0, 12)
  const judge = await built(`manifests-${digest}`, async (scratch, go) => {
    const file = join(scratch, 'strict')
    const said: SpawnSyncReturns<string> = spawnSync(go, ['build', '-o', file, '.'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: BUILD_MS_MAX,
    })
    if (said.status !== 0) throw new Error(`go build: ${said.stderr || said.error?.message}`)
    return file
  })
  if ('reason' in judge) return t.skip(judge.reason)
  for (const args of OVERLAYS) {
    const input = await helm(obtained.path, 'template', args)
    const said: SpawnSyncReturns<string> = spawnSync(judge.path, [], { input, encoding: 'utf8' })
    assert.equal(said.status, 0, said.stdout)
    assert.match(said.stdout, /^\d{2} checked, .* 0 failed$/m)
  }
  const wrong = spawnSync(judge.path, [], {
    input: 'apiVersion: v1\nkind: Service\nspec: { portz: [] }\n',
    encoding: 'utf8',
  })
  assert.equal(wrong.status, 1, 'it sees a field that there is not')
})

function podName(service: ServiceName, ordinal: number): string {
  return `rollcall-${service}-${ordinal}`
}

/** Secrets that a manifest makes, itself or by cert-manager. */
function secretsMadeBy({ kind, metadata, spec }: Manifest): string[] {
  if (kind === 'Secret') return [metadata.name]
  return kind === 'Certificate' ? [String(spec.secretName)] : []
}

function pick(from: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, from[name]]))
}
