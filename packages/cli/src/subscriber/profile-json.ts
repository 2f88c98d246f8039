import { Algorithm, type PrivateIdentity, type Subscriber } from '@rollcall/proto-gen/admin'
import {
  type ApplicationServer,
  DefaultHandling,
  type InitialFilterCriteria,
  ProfilePartIndicator,
  RegistrationType,
  type ServicePointTrigger,
  type ServiceProfile,
  SessionCase,
  type TriggerPoint,
} from '@rollcall/proto-gen/cx'
import type { PresencePolicy } from '@rollcall/proto-gen/sh'
import { FieldReader } from './field-reader.ts'

/** K and OPc of Milenage, K and TOPc of TUAK (TS 35.205 clause 3, TS 35.231 clause 5). */
const KEY_OCTETS = 16
const TUAK_KEY_OCTETS = [16, 32]
const TOPC_OCTETS = 32
const AMF_OCTETS = 2
const PRIORITY_MAX = 2 ** 31 - 1
const GROUP_MAX = 2 ** 31 - 1

/** Values of the Cx profile (TS 29.228 annex E), in the order of their numbers. */
const SESSION_CASES = [
  SessionCase.SESSION_CASE_ORIGINATING,
  SessionCase.SESSION_CASE_TERMINATING_REGISTERED,
  SessionCase.SESSION_CASE_TERMINATING_UNREGISTERED,
  SessionCase.SESSION_CASE_ORIGINATING_UNREGISTERED,
  SessionCase.SESSION_CASE_ORIGINATING_CDIV,
] as const
const DEFAULT_HANDLINGS = [
  DefaultHandling.DEFAULT_HANDLING_SESSION_CONTINUED,
  DefaultHandling.DEFAULT_HANDLING_SESSION_TERMINATED,
] as const
const PROFILE_PARTS = [
  ProfilePartIndicator.PROFILE_PART_INDICATOR_REGISTERED,
  ProfilePartIndicator.PROFILE_PART_INDICATOR_UNREGISTERED,
] as const

const REGISTRATION_TYPES = [
  RegistrationType.REGISTRATION_TYPE_INITIAL,
  RegistrationType.REGISTRATION_TYPE_RE_REGISTRATION,
  RegistrationType.REGISTRATION_TYPE_DE_REGISTRATION,
] as const

/**
 * Reads a subscriber out of JSON with the field names of the Cx user profile. With problems the subscriber is not to be
 * used. What the values mean is for the HSS to judge.
 *
 * @see TS 29.228 annex B and annex E
 */
export function readSubscriber(json: unknown): { subscriber: Subscriber; problems: readonly string[] } {
  const root = FieldReader.root(json).knows('IMSSubscription')
  const reader = root
    .object('IMSSubscription')
    ?.knows('SubscriptionID', 'PrivateID', 'ServiceProfile', 'PresencePolicy')
  const subscriber: Subscriber = {
    subscriptionId: reader?.text('SubscriptionID') ?? '',
    privateIdentities: reader?.objects('PrivateID').map(readPrivateIdentity) ?? [],
    serviceProfile: readOneProfile(reader),
    presencePolicy: reader?.has('PresencePolicy') ? readPolicy(reader.object('PresencePolicy')) : undefined,
  }
  if (reader && subscriber.privateIdentities.length === 0) reader.fault('PrivateID is missing')
  return { subscriber, problems: root.problems }
}

function readPrivateIdentity(reader: FieldReader): PrivateIdentity {
  reader.knows('Identity', 'K', 'OPc', 'TOPc', 'Algorithm', 'AMF', 'SQN')
  const algorithm = readAlgorithm(reader)
  const isTuak = algorithm === Algorithm.ALGORITHM_TUAK
  return {
    impi: reader.text('Identity'),
    algorithm,
    k: reader.hex('K', { octets: isTuak ? TUAK_KEY_OCTETS : [KEY_OCTETS] }),
    // The HSS says so when the constant of the other algorithm is there.
    opc: reader.hex('OPc', { octets: [KEY_OCTETS], isOptional: isTuak }),
    topc: reader.hex('TOPc', { octets: [TOPC_OCTETS], isOptional: !isTuak }),
    amf: reader.hex('AMF', { octets: [AMF_OCTETS], isOptional: true }),
    sqn: BigInt(reader.whole('SQN', { max: 2 ** 48 - 1, otherwise: 0 })),
  }
}

function readAlgorithm(reader: FieldReader): Algorithm {
  switch (reader.text('Algorithm', { otherwise: 'milenage' }).toLowerCase()) {
    case 'milenage':
      return Algorithm.ALGORITHM_MILENAGE
    case 'tuak':
      return Algorithm.ALGORITHM_TUAK
    default:
      reader.fault('Algorithm must be milenage or tuak')
      return Algorithm.ALGORITHM_UNSPECIFIED
  }
}

/** The standard allows several service profiles; our HSS has one implicit set a subscription. */
function readOneProfile(reader: FieldReader | undefined): ServiceProfile | undefined {
  const profiles = reader?.objects('ServiceProfile') ?? []
  const [profile] = profiles
  if (reader && profiles.length !== 1) reader.fault('ServiceProfile must be there once')
  return profile && readProfile(profile)
}

function readProfile(reader: FieldReader): ServiceProfile {
  reader.knows('PublicIdentity', 'InitialFilterCriteria')
  return {
    publicIdentities: reader.objects('PublicIdentity').map((identity) => {
      identity.knows('Identity', 'BarringIndication')
      return {
        identity: identity.text('Identity'),
        barringIndication: identity.truth('BarringIndication', { otherwise: false }),
      }
    }),
    initialFilterCriteria: reader.objects('InitialFilterCriteria').map(readCriteria),
    canonicalImpu: '',
  }
}

function readCriteria(reader: FieldReader): InitialFilterCriteria {
  reader.knows('Priority', 'TriggerPoint', 'ApplicationServer', 'ProfilePartIndicator')
  const server = reader.object('ApplicationServer')?.knows('ServerName', 'DefaultHandling', 'ServiceInfo', 'Extension')
  const extension = server?.has('Extension') ? server.object('Extension') : undefined
  extension?.knows('IncludeRegisterRequest', 'IncludeRegisterResponse')
  const part = reader.has('ProfilePartIndicator') ? reader.whole('ProfilePartIndicator', { max: 1 }) : undefined
  return {
    priority: reader.whole('Priority', { max: PRIORITY_MAX }),
    triggerPoint: reader.has('TriggerPoint') ? readTriggerPoint(reader.object('TriggerPoint')) : undefined,
    applicationServer: {
      serverName: server?.text('ServerName') ?? '',
      // Absent: the session continues (TS 29.228 annex B.2.2).
      defaultHandling: byNumber(DEFAULT_HANDLINGS, server?.whole('DefaultHandling', { max: 1, otherwise: 0 }) ?? 0),
      serviceInfo: server?.text('ServiceInfo', { otherwise: '' }) ?? '',
      includeRegisterRequest: extension?.truth('IncludeRegisterRequest', { otherwise: false }) ?? false,
      includeRegisterResponse: extension?.truth('IncludeRegisterResponse', { otherwise: false }) ?? false,
    },
    profilePartIndicator:
      part === undefined ? ProfilePartIndicator.PROFILE_PART_INDICATOR_UNSPECIFIED : byNumber(PROFILE_PARTS, part),
  }
}

function readTriggerPoint(reader: FieldReader | undefined): TriggerPoint | undefined {
  if (!reader) return undefined
  reader.knows('ConditionTypeCNF', 'SPT')
  return { conditionTypeCnf: reader.truth('ConditionTypeCNF'), spt: reader.objects('SPT').map(readSpt) }
}

const TRIGGERS = ['Method', 'SessionCase', 'SIPHeader', 'RequestURI', 'SessionDescription']

function readSpt(reader: FieldReader): ServicePointTrigger {
  reader.knows('ConditionNegated', 'Group', 'Extension', ...TRIGGERS)
  const kinds = TRIGGERS.filter((name) => reader.has(name))
  if (kinds.length !== 1) {
    reader.fault('must have one of Method, SessionCase, SIPHeader, RequestURI and SessionDescription')
  }
  const extension = reader.has('Extension') ? reader.object('Extension')?.knows('RegistrationType') : undefined
  const types = extension?.wholes('RegistrationType', REGISTRATION_TYPES.length - 1) ?? []
  return {
    conditionNegated: reader.truth('ConditionNegated', { otherwise: false }),
    group: reader.wholes('Group', GROUP_MAX),
    trigger: readTrigger(reader, kinds[0]),
    registrationTypes: types.map((type) => byNumber(REGISTRATION_TYPES, type)),
  }
}

function readTrigger(reader: FieldReader, kind: string | undefined): ServicePointTrigger['trigger'] {
  switch (kind) {
    case 'Method':
      return { $case: 'method', value: reader.text('Method') }
    case 'SessionCase': {
      const number = reader.whole('SessionCase', { max: SESSION_CASES.length - 1 })
      return { $case: 'sessionCase', value: byNumber(SESSION_CASES, number) }
    }
    case 'SIPHeader': {
      const header = reader.object('SIPHeader')?.knows('Header', 'Content')
      const value = { header: header?.text('Header') ?? '', content: header?.text('Content', { otherwise: '' }) ?? '' }
      return { $case: 'sipHeader', value }
    }
    case 'RequestURI':
      return { $case: 'requestUri', value: reader.text('RequestURI') }
    case 'SessionDescription': {
      const sdp = reader.object('SessionDescription')?.knows('Line', 'Content')
      const value = { line: sdp?.text('Line') ?? '', content: sdp?.text('Content', { otherwise: '' }) ?? '' }
      return { $case: 'sessionDescription', value }
    }
    default:
      return undefined
  }
}

function readPolicy(reader: FieldReader | undefined): PresencePolicy | undefined {
  if (!reader) return undefined
  reader.knows('DefaultAllow', 'Allow', 'Block')
  return {
    defaultAllow: reader.truth('DefaultAllow'),
    allow: reader.texts('Allow'),
    block: reader.texts('Block'),
  }
}

function byNumber<T>(values: readonly [T, ...T[]], number: number): T {
  return values[number] ?? values[0]
}

/** The number of a value; -1 when the standard has none for it. */
function numberOf(values: readonly unknown[], value: unknown): number {
  return values.indexOf(value)
}

/** The inverse, for a person's eyes: what an operator may see has no K, no OPc and no TOPc. */
export function writeSubscriber(subscriber: Subscriber): Record<string, unknown> {
  const { subscriptionId, privateIdentities, serviceProfile, presencePolicy } = subscriber
  return {
    IMSSubscription: {
      SubscriptionID: subscriptionId,
      PrivateID: privateIdentities.map(({ impi, algorithm, amf, sqn }) => ({
        Identity: impi,
        Algorithm: algorithm === Algorithm.ALGORITHM_TUAK ? 'tuak' : 'milenage',
        ...(amf.length === 0 ? {} : { AMF: amf.toString('hex') }),
        ...(sqn === 0n ? {} : { SQN: Number(sqn) }),
      })),
      ...(serviceProfile ? { ServiceProfile: writeProfile(serviceProfile) } : {}),
      ...(presencePolicy ? { PresencePolicy: writePolicy(presencePolicy) } : {}),
    },
  }
}

/** The reverse of what `readSubscriber` reads of a policy. */
export function writePolicy({ defaultAllow, allow, block }: PresencePolicy): Record<string, unknown> {
  return { DefaultAllow: defaultAllow, Allow: allow, Block: block }
}

function writeProfile(profile: ServiceProfile): Record<string, unknown> {
  return {
    PublicIdentity: profile.publicIdentities.map(({ identity, barringIndication }) => ({
      Identity: identity,
      BarringIndication: barringIndication ? 1 : 0,
    })),
    InitialFilterCriteria: profile.initialFilterCriteria.map(writeCriteria),
  }
}

function writeCriteria(criteria: InitialFilterCriteria): Record<string, unknown> {
  const { priority, triggerPoint, applicationServer, profilePartIndicator } = criteria
  const part = numberOf(PROFILE_PARTS, profilePartIndicator)
  return {
    Priority: priority,
    ...(triggerPoint
      ? {
          TriggerPoint: {
            ConditionTypeCNF: triggerPoint.conditionTypeCnf ? 1 : 0,
            SPT: triggerPoint.spt.map(writeSpt),
          },
        }
      : {}),
    ApplicationServer: {
      ServerName: applicationServer?.serverName ?? '',
      DefaultHandling: Math.max(0, numberOf(DEFAULT_HANDLINGS, applicationServer?.defaultHandling)),
      ...(applicationServer?.serviceInfo ? { ServiceInfo: applicationServer.serviceInfo } : {}),
      ...writeInclusions(applicationServer),
    },
    ...(part < 0 ? {} : { ProfilePartIndicator: part }),
  }
}

/** Each is there, or it is not: that is the flag (TS 29.228 annex E). */
function writeInclusions(server: ApplicationServer | undefined): Record<string, unknown> {
  if (!server?.includeRegisterRequest && !server?.includeRegisterResponse) return {}
  const request = server.includeRegisterRequest ? { IncludeRegisterRequest: 1 } : {}
  const response = server.includeRegisterResponse ? { IncludeRegisterResponse: 1 } : {}
  return { Extension: { ...request, ...response } }
}

function writeSpt(spt: ServicePointTrigger): Record<string, unknown> {
  const types = spt.registrationTypes.map((type) => numberOf(REGISTRATION_TYPES, type))
  return {
    ConditionNegated: spt.conditionNegated ? 1 : 0,
    Group: spt.group,
    ...writeTrigger(spt.trigger),
    ...(types.length > 0 ? { Extension: { RegistrationType: types } } : {}),
  }
}

function writeTrigger(trigger: ServicePointTrigger['trigger']): Record<string, unknown> {
  switch (trigger?.$case) {
    case 'method':
      return { Method: trigger.value }
    case 'sessionCase':
      return { SessionCase: numberOf(SESSION_CASES, trigger.value) }
    case 'sipHeader': {
      const { header, content } = trigger.value
      return { SIPHeader: { Header: header, ...(content === '' ? {} : { Content: content }) } }
    }
    case 'requestUri':
      return { RequestURI: trigger.value }
    case 'sessionDescription': {
      const { line, content } = trigger.value
      return { SessionDescription: { Line: line, ...(content === '' ? {} : { Content: content }) } }
    }
    case undefined:
      return {}
  }
}
