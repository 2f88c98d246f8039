import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TRUST_DOMAIN } from '@rollcall/deploy/local/service-environment.ts'
import { issueLeaf, leafFiles } from '@rollcall/pki'
import { createEnvelope, createRuntime, HopRouter, type Role, TlsIdentity } from '@rollcall/runtime'
import { REALM } from '../support/network.ts'
import type { ContainerStack } from './container-stack.ts'

/** Who waits for an answer that must not come. */
const SILENCE_MS = 2_000

/**
 * An identity whose certificate says `role` of our trust domain, as good as any, but by an authority of the stranger's own. It
 * trusts ours, so that nothing but the server refuses it.
 */
export async function strangerIdentity(stack: ContainerStack, role: Role): Promise<TlsIdentity> {
  const folder = join(stack.data.path, 'stranger')
  const leaf = { name: role, role, dnsNames: [`${role}.${TRUST_DOMAIN}`] }
  await issueLeaf({ folder, trustDomain: TRUST_DOMAIN, leaf })
  const files = leafFiles(folder, role)
  await appendFile(files.caFile, await readFile(leafFiles(stack.data.pki, role).caFile))
  return await TlsIdentity.load({ ...files, trustDomain: TRUST_DOMAIN })
}

/** Sends one request over the hop as `identity`, and gives how that went. */
export async function sendOverHop(
  identity: TlsIdentity,
  to: { readonly role: Role; readonly target: string },
): Promise<string> {
  const runtime = createRuntime({ service: 'stranger', identity, logLevel: 'silent' })
  const host = `stranger.${REALM}`
  await using hop = new HopRouter({ routes: `${host}=${to.role}@${to.target}`, runtime })
  const branch = 'z9hG4bKstranger'
  const sip = [
    `MESSAGE sip:alice@${REALM} SIP/2.0`,
    `Via: SIP/2.0/TLS ${host};branch=${branch}`,
    'Max-Forwards: 70',
    `From: <sip:bob@${REALM}>;tag=1`,
    `To: <sip:alice@${REALM}>`,
    'Call-ID: stranger',
    'CSeq: 1 MESSAGE',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
  const message = { sip: Buffer.from(sip), branch, envelope: createEnvelope({ deadlineMs: SILENCE_MS }) }
  return await new Promise((resolve) =>
    hop.send(host, message, ({ kind }) => resolve(kind), { deadlineMs: SILENCE_MS }),
  )
}
