import type { AuthenticationVector } from '@rollcall/aka'
import { digestResponse, encodeNonce } from '@rollcall/aka'
import { type Impi, type Impu, Secret, seededRandom } from '@rollcall/core'
import {
  DefaultHandling,
  type InitialFilterCriteria,
  ProfilePartIndicator,
  type ServicePointTrigger,
  type ServiceProfile,
  SessionCase,
} from '@rollcall/proto-gen/cx'
import type { ReceivedDigest, RegisterAuthorization, RegisterRequest } from '../registrar/register-request.ts'

export const REALM = 'ims.mnc001.mcc001.3gppnetwork.org'
export const SCSCF_HOST = `scscf-0.scscf.${REALM}`
export const PCSCF_HOST = `pcscf-0.pcscf.${REALM}`
export const PRESENCE_HOST = `presence.${REALM}`
export const ALICE = `sip:alice@${REALM}` as Impu
export const ALICE_TEL = 'tel:+15550100' as Impu
export const BOB = `sip:bob@${REALM}` as Impu
export const PHONE = `001010000000001@${REALM}` as Impi
export const TABLET = `001010000000002@${REALM}` as Impi
export const BOB_IMPI = `001010000000003@${REALM}` as Impi

type Trigger = NonNullable<ServicePointTrigger['trigger']>

function criteria(priority: number, groups: Trigger[][]): InitialFilterCriteria {
  return {
    priority,
    triggerPoint: {
      conditionTypeCnf: true,
      spt: groups.flatMap((group, number) =>
        group.map((trigger) => ({ trigger, group: [number], conditionNegated: false, registrationTypes: [] })),
      ),
    },
    applicationServer: {
      serverName: `sip:${PRESENCE_HOST};lr`,
      defaultHandling: DefaultHandling.DEFAULT_HANDLING_SESSION_TERMINATED,
      serviceInfo: '',
      includeRegisterRequest: false,
      includeRegisterResponse: false,
    },
    profilePartIndicator: ProfilePartIndicator.PROFILE_PART_INDICATOR_UNSPECIFIED,
  }
}

/** The filter criteria of the story (readings, SIP hop 6). */
export function storyCriteria(): InitialFilterCriteria[] {
  const presence: Trigger = { $case: 'sipHeader', value: { header: 'Event', content: '^presence$' } }
  const presenceOrWinfo: Trigger = {
    $case: 'sipHeader',
    value: { header: 'Event', content: '^presence(\\.winfo)?$' },
  }
  return [
    criteria(10, [
      [{ $case: 'method', value: 'PUBLISH' }],
      [presence],
      [{ $case: 'sessionCase', value: SessionCase.SESSION_CASE_ORIGINATING }],
    ]),
    criteria(20, [
      [{ $case: 'method', value: 'SUBSCRIBE' }],
      [presenceOrWinfo],
      [
        { $case: 'sessionCase', value: SessionCase.SESSION_CASE_TERMINATING_REGISTERED },
        { $case: 'sessionCase', value: SessionCase.SESSION_CASE_TERMINATING_UNREGISTERED },
      ],
    ]),
  ]
}

/** A profile with these identities; one that begins with `!` is barred. */
export function profile(...identities: string[]): ServiceProfile {
  const publicIdentities = identities.map((text) => ({
    identity: text.replace(/^!/, ''),
    barringIndication: text.startsWith('!'),
  }))
  return {
    publicIdentities,
    initialFilterCriteria: storyCriteria(),
    canonicalImpu: publicIdentities.find(({ identity }) => identity.startsWith('sip:'))?.identity ?? '',
  }
}

export const ALICE_PROFILE = profile(ALICE, ALICE_TEL)
export const BOB_PROFILE = profile(BOB)

/** A vector whose parts are told apart by `seed`. */
export function vector(seed: string): AuthenticationVector {
  const random = seededRandom(seed)
  return {
    rand: random.bytes(16),
    autn: random.bytes(16),
    xres: new Secret(random.bytes(8)),
    ck: new Secret(random.bytes(16)),
    ik: new Secret(random.bytes(16)),
  }
}

export function nonceOf({ rand, autn }: AuthenticationVector): string {
  return encodeNonce(rand, autn)
}

/** A response as a UE computes it that has RES `res`. */
export function digest(nonce: string, res: Secret, changes: Partial<ReceivedDigest> = {}): ReceivedDigest {
  const values = {
    username: PHONE as string,
    realm: REALM,
    uri: `sip:${REALM}`,
    qop: 'auth',
    nc: '00000001',
    cnonce: '0a4f113b',
    algorithm: 'AKAv1-MD5',
    body: Buffer.alloc(0),
    ...changes,
  }
  const response = digestResponse({
    username: values.username,
    realm: values.realm,
    password: res,
    method: 'REGISTER',
    uri: values.uri,
    nonce,
    qop: values.qop === 'auth' || values.qop === 'auth-int' ? values.qop : undefined,
    nc: values.nc,
    cnonce: values.cnonce,
    body: values.body,
  })
  return { ...values, response: changes.response ?? response }
}

let serial = 0

/** A REGISTER of alice's phone, unprotected and without credentials unless told otherwise. */
export function register(changes: Partial<RegisterRequest> = {}): RegisterRequest {
  serial += 1
  const callId = changes.callId ?? 'call-1'
  const cseq = changes.cseq ?? 1
  return {
    key: { callId, cseq, branch: `branch-${serial}` },
    impi: PHONE,
    impu: ALICE,
    callId,
    cseq,
    source: { host: '127.0.1.1', port: 15060 },
    isProtected: false,
    authorization: { kind: 'none' },
    contact: contact('urn:gsma:imei:1'),
    expiresSeconds: 600_000,
    path: [`<sip:token@${PCSCF_HOST};lr>`],
    traceparent: '',
    ...changes,
  }
}

export function contact(instance: string, uri = 'sip:alice@127.0.1.1:15066'): RegisterRequest['contact'] {
  return contacts(instance, [uri])
}

/** Contacts of one instance, each with the time that the request asks for unless told otherwise. */
export function contacts(
  instance: string,
  uris: readonly string[],
  expiresSeconds: readonly number[] = [],
): RegisterRequest['contact'] {
  const bindings = uris.map((uri, index) => ({
    uri,
    value: `<${uri}>;+sip.instance="<${instance}>"`,
    expiresSeconds: expiresSeconds[index],
  }))
  return { kind: 'some', instance, bindings, hasRegId: false }
}

/** The answer of the UE to a challenge, over the new security associations. */
export function answer(vector: AuthenticationVector, changes: Partial<RegisterRequest> = {}): RegisterRequest {
  const nonce = nonceOf(vector)
  const authorization: RegisterAuthorization = { kind: 'response', nonce, digest: digest(nonce, vector.xres) }
  return register({
    cseq: 2,
    isProtected: true,
    source: { host: '127.0.1.1', port: 40_001 },
    authorization,
    ...changes,
  })
}
