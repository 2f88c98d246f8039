import {
  type Contact,
  PcscfAdminServiceClient,
  PresenceAdminServiceClient,
  SaSetState,
} from '@rollcall/proto-gen/admin'
import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { AdminCallError } from '../errors.ts'
import { withOperatorClient } from '../operator/operator-client.ts'
import { readUri } from '../ue/session.ts'

/** The domain of the local stack. */
const DOMAIN_DEFAULT = 'ims.mnc001.mcc001.3gppnetwork.org'

/** Calls a Presence Server as its operator. @throws UsageError, TlsIdentityError, AdminCallError, and what `work` throws. */
export async function withPresenceAdmin<T>(
  invocation: Invocation,
  work: (client: PresenceAdminServiceClient) => Promise<T>,
): Promise<T> {
  const presence = {
    Class: PresenceAdminServiceClient,
    role: 'presence',
    name: 'the Presence Server',
    targetVariable: 'ROLLCALL_PRESENCE_TARGET',
    targetDefault: '127.0.0.1:17003',
  } as const
  return await withOperatorClient(invocation, presence, work)
}

/** How a UE is known at the P-CSCF: by which private identity, and by what its messages are protected. */
export interface Protection {
  readonly impi: string
  readonly protection: string
}

/** Of every UE that is registered under an identity; nothing when the P-CSCF does not answer, since that is no news about rules. */
export async function protectionsOf(invocation: Invocation, impu: string): Promise<readonly Protection[]> {
  const pcscf = {
    Class: PcscfAdminServiceClient,
    role: 'pcscf',
    name: 'the P-CSCF',
    targetOption: 'pcscf-target',
    targetVariable: 'ROLLCALL_PCSCF_TARGET',
    targetDefault: '127.0.0.1:17004',
  } as const
  try {
    const { contacts } = await withOperatorClient(invocation, pcscf, (client) =>
      callUnary(client.listContacts.bind(client), {}),
    )
    return contacts.filter(({ impus }) => impus.includes(impu)).map(readProtection)
  } catch (error) {
    if (error instanceof AdminCallError) return []
    throw error
  }
}

function readProtection({ impi, saSets }: Contact): Protection {
  const set = saSets.findLast(({ state }) => state === SaSetState.SA_SET_STATE_ESTABLISHED)
  return { impi, protection: set ? `${set.encryptionAlgorithm} ${set.algorithm}` : 'no SA set' }
}

/** What a person may call somebody. @throws UsageError */
export function readName({ options, env }: Invocation, text: string): string {
  return readUri(text, options.text('domain') ?? env.ROLLCALL_DOMAIN ?? DOMAIN_DEFAULT)
}
