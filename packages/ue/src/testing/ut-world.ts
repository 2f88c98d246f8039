import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TlsOptions } from 'node:tls'
import { createTrustDomain, leafFiles } from '@rollcall/pki'
import { type IsimStore, memoryIsimStore } from '../isim-store.ts'
import type { UtSettings } from '../ut/settings.ts'
import { Ut } from '../ut/ut.ts'
import { FakeBsf } from './fake-bsf.ts'
import { FakeNaf } from './fake-naf.ts'
import { KEYS, testCredentials } from './world.ts'

export const NAF = 'xcap.ims.mnc001.mcc001.pub.3gppnetwork.org'
export const BSF = 'bsf.ims.mnc001.mcc001.pub.3gppnetwork.org'

export interface UtBench extends AsyncDisposable {
  readonly bsf: FakeBsf
  readonly naf: FakeNaf
  readonly ut: Ut
  readonly isimStore: IsimStore
  readonly folder: string
}

/** A UE's Ut with a played BSF and a played NAF, whose certificate is of an authority of the test. */
export async function openUtBench(
  address: string,
  o: {
    settings?: Partial<UtSettings>
    /** In the place of a certificate. */
    tls?: (bsf: FakeBsf) => TlsOptions
    certifiedName?: string
    isimStore?: IsimStore
  } = {},
): Promise<UtBench> {
  await using opened = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-ut-'))
  opened.defer(() => rm(folder, { recursive: true }))
  const { caFile, ...tls } = await certify(folder, o.certifiedName ?? NAF)
  const bsf = opened.use(await FakeBsf.listen({ address, name: BSF, keys: KEYS }))
  const naf = opened.use(await FakeNaf.listen({ address, fqdn: NAF, sessions: bsf.sessions, tls: o.tls?.(bsf) ?? tls }))
  const isimStore = o.isimStore ?? memoryIsimStore()
  const places = { pcscf: address, ue: address, attacker: address }
  const ut = opened.use(
    await Ut.open({
      credentials: {
        ...testCredentials(places),
        ut: { bsf: `http://${address}:${bsf.port}`, ap: { address, port: naf.port }, caFile },
      },
      isimStore,
      settings: { timeoutMs: 5_000, ...o.settings },
    }),
  )
  const toClose = opened.move()
  return { bsf, naf, ut, isimStore, folder, [Symbol.asyncDispose]: () => toClose.disposeAsync() }
}

/** A certificate for a NAF, and the authority's. */
export async function certify(folder: string, dnsName: string): Promise<{ cert: Buffer; key: Buffer; caFile: string }> {
  const pki = join(folder, 'pki')
  const leaves = [{ name: 'ap', role: 'ap', dnsNames: [dnsName] }]
  await createTrustDomain({ folder: pki, trustDomain: 'rollcall.test', leaves })
  const { certFile, keyFile, caFile } = leafFiles(pki, 'ap')
  return { cert: await readFile(certFile), key: await readFile(keyFile), caFile }
}
