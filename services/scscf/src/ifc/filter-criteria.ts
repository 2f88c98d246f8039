import {
  DefaultHandling,
  type InitialFilterCriteria,
  ProfilePartIndicator,
  type ServicePointTrigger,
  type ServiceProfile,
  SessionCase,
  type TriggerPoint,
} from '@rollcall/proto-gen/cx'
import { parseSipUri, SipSyntaxError } from '@rollcall/sip'
import { CriterionError, ExpressionError } from './errors.ts'
import { type Condition, compileTrigger, type RequestFacts } from './service-point-trigger.ts'

/** One filter criterion, ready to be evaluated. */
export interface FilterCriterion {
  readonly priority: number
  /** SIP URI of the application server, and its host. */
  readonly serverName: string
  readonly serverHost: string
  /** Whether the session goes on when the application server does not answer or answers 408 or 5xx. */
  readonly defaultHandling: 'continued' | 'terminated'
  readonly part: 'registered' | 'unregistered' | 'both'
  readonly condition: Condition
  /** What the application server is told in third-party REGISTERs. */
  readonly thirdParty: ThirdPartyContents
}

/** Contents of third-party REGISTERs (TS 29.228 annex B.2.2). */
export interface ThirdPartyContents {
  /** Empty: none. */
  readonly serviceInfo: string
  readonly includesRequest: boolean
  readonly includesResponse: boolean
}

/** A criterion that was left out, and why. */
export interface SkippedCriterion {
  readonly priority: number
  readonly reason: string
}

/** The criteria of a profile, in the order in which they are evaluated. */
export interface FilterCriteria {
  readonly criteria: readonly FilterCriterion[]
  readonly skipped: readonly SkippedCriterion[]
}

/**
 * Makes the criteria of a profile ready, in ascending priority; a broken one is left out, and only that one. Equal
 * priorities are not allowed in a profile; should they come, the profile's order holds.
 *
 * @see TS 29.228 annex B.2.2, TS 24.229 clause 5.4.3.2
 */
export function compileProfile(profile: ServiceProfile): FilterCriteria {
  const criteria: FilterCriterion[] = []
  const skipped: SkippedCriterion[] = []
  for (const given of profile.initialFilterCriteria) {
    try {
      criteria.push(compileCriterion(given))
    } catch (error) {
      if (!(error instanceof CriterionError || error instanceof ExpressionError)) throw error
      skipped.push({ priority: given.priority, reason: error.message })
    }
  }
  criteria.sort((one, other) => one.priority - other.priority)
  return { criteria, skipped }
}

/**
 * The first criterion from `index` on that the request meets, and where to go on after it.
 *
 * @see TS 23.218 clause 5.2, TS 24.229 clauses 5.4.3.2 and 5.4.3.3
 */
export function nextMatch(
  criteria: readonly FilterCriterion[],
  index: number,
  facts: RequestFacts,
): { readonly criterion: FilterCriterion; readonly nextIndex: number } | undefined {
  const isRegistered = isRegisteredCase(facts.sessionCase)
  for (let at = index; at < criteria.length; at++) {
    const criterion = criteria[at]
    if (!criterion) break
    const isOtherPart = criterion.part !== 'both' && (criterion.part === 'registered') !== isRegistered
    if (!isOtherPart && criterion.condition(facts)) return { criterion, nextIndex: at + 1 }
  }
  return undefined
}

/** Every criterion that the request meets, in order: a REGISTER goes to each of them (TS 24.229 clause 5.4.1.7). */
export function allMatches(criteria: readonly FilterCriterion[], facts: RequestFacts): FilterCriterion[] {
  const matches: FilterCriterion[] = []
  let index = 0
  for (;;) {
    const match = nextMatch(criteria, index, facts)
    if (!match) return matches
    matches.push(match.criterion)
    index = match.nextIndex
  }
}

function isRegisteredCase(sessionCase: SessionCase): boolean {
  return (
    sessionCase === SessionCase.SESSION_CASE_ORIGINATING ||
    sessionCase === SessionCase.SESSION_CASE_TERMINATING_REGISTERED ||
    sessionCase === SessionCase.SESSION_CASE_ORIGINATING_CDIV
  )
}

function compileCriterion(given: InitialFilterCriteria): FilterCriterion {
  const server = given.applicationServer
  if (!server) throw new CriterionError('no application server')
  const isTerminated = server.defaultHandling === DefaultHandling.DEFAULT_HANDLING_SESSION_TERMINATED
  return {
    priority: given.priority,
    serverName: server.serverName,
    serverHost: hostOf(server.serverName),
    defaultHandling: isTerminated ? 'terminated' : 'continued',
    part: partOf(given.profilePartIndicator),
    condition: given.triggerPoint ? compileTriggerPoint(given.triggerPoint) : () => true,
    thirdParty: {
      serviceInfo: server.serviceInfo,
      includesRequest: server.includeRegisterRequest,
      includesResponse: server.includeRegisterResponse,
    },
  }
}

function hostOf(serverName: string): string {
  try {
    return parseSipUri(serverName).host
  } catch (error) {
    if (error instanceof SipSyntaxError) throw new CriterionError('the application server has no SIP URI')
    throw error
  }
}

function partOf(indicator: ProfilePartIndicator): FilterCriterion['part'] {
  if (indicator === ProfilePartIndicator.PROFILE_PART_INDICATOR_UNSPECIFIED) return 'both'
  if (indicator === ProfilePartIndicator.PROFILE_PART_INDICATOR_REGISTERED) return 'registered'
  if (indicator === ProfilePartIndicator.PROFILE_PART_INDICATOR_UNREGISTERED) return 'unregistered'
  throw new CriterionError('unknown profile part')
}

/** CNF: OR inside a group and AND between groups; DNF: the reverse. A trigger takes part in each of its groups. */
function compileTriggerPoint(point: TriggerPoint): Condition {
  const groups = groupConditions(point.spt)
  if (groups.length === 0) throw new CriterionError('a trigger point without triggers')
  return point.conditionTypeCnf
    ? (facts) => groups.every((group) => group.some((condition) => condition(facts)))
    : (facts) => groups.some((group) => group.every((condition) => condition(facts)))
}

function groupConditions(triggers: readonly ServicePointTrigger[]): Condition[][] {
  const groups = new Map<number, Condition[]>()
  for (const spt of triggers) {
    const condition = compileTrigger(spt)
    for (const number of spt.group.length > 0 ? new Set(spt.group) : [0]) {
      const group = groups.get(number)
      if (group) group.push(condition)
      else groups.set(number, [condition])
    }
  }
  return [...groups.values()]
}
