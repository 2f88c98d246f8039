import { assertNever, type Impi } from '@rollcall/core'
import { ServerAssignmentType } from '@rollcall/proto-gen/cx'
import { isRegistered, type Location, NO_LOCATION } from './locations.ts'

/** What an S-CSCF reports by SAR, as far as the location goes. */
export interface Assignment {
  readonly type: KnownAssignmentType
  readonly serverName: string
  /** Undefined for an unregistered user, and when every private identity is meant. */
  readonly impi: Impi | undefined
}

/** The types that mean something. */
export type KnownAssignmentType = Exclude<ServerAssignmentType, 0 | -1>

/** Narrows what came over the wire. */
export function isKnownAssignmentType(type: ServerAssignmentType): type is KnownAssignmentType {
  return type !== ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_UNSPECIFIED && type !== ServerAssignmentType.UNRECOGNIZED
}

/**
 * Whether the answer to this type carries the user's profile: whoever has it already, and says so of a re-registration, is
 * not sent it again.
 *
 * @see TS 29.228 clause 6.1.2.1
 */
export function wantsProfile(
  { userDataAlreadyAvailable }: { readonly userDataAlreadyAvailable: boolean },
  type: KnownAssignmentType,
): boolean {
  switch (type) {
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_NO_ASSIGNMENT:
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_REGISTRATION:
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_UNREGISTERED_USER:
      return true
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_RE_REGISTRATION:
      return !userDataAlreadyAvailable
    default:
      return false
  }
}

/**
 * The location after a server assignment; `refused` when another S-CSCF serves the user. Pure.
 *
 * @see TS 29.228 clause 6.1.2.1
 */
export function applyAssignment(location: Location, assignment: Assignment): Location | 'refused' {
  if (location.serverName !== '' && location.serverName !== assignment.serverName) return 'refused'
  const { type, serverName, impi } = assignment
  switch (type) {
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_NO_ASSIGNMENT:
      return location
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_REGISTRATION:
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_RE_REGISTRATION: {
      const others = location.registeredImpis.filter((registered) => registered !== impi)
      return {
        serverName,
        registeredImpis: impi === undefined ? others : [...others, impi],
        isUnregisteredService: false,
      }
    }
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_UNREGISTERED_USER:
      return isRegistered(location) ? location : { serverName, registeredImpis: [], isUnregisteredService: true }
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_TIMEOUT_DEREGISTRATION:
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_USER_DEREGISTRATION:
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_ADMINISTRATIVE_DEREGISTRATION:
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_DEREGISTRATION_TOO_MUCH_DATA: {
      const left = impi === undefined ? [] : location.registeredImpis.filter((registered) => registered !== impi)
      return left.length > 0 ? { ...location, registeredImpis: left } : NO_LOCATION
    }
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME:
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_USER_DEREGISTRATION_STORE_SERVER_NAME: {
      const left = impi === undefined ? [] : location.registeredImpis.filter((registered) => registered !== impi)
      return { serverName, registeredImpis: left, isUnregisteredService: left.length === 0 }
    }
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_AUTHENTICATION_FAILURE:
    case ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_AUTHENTICATION_TIMEOUT:
      // The state of the registration is unchanged; a name that a mere attempt left behind goes.
      return isRegistered(location) || location.isUnregisteredService ? location : NO_LOCATION
    default:
      return assertNever(type)
  }
}

/**
 * The location after MAR from `serverName`: a new S-CSCF takes over the name that is stored, but not with AUTS.
 *
 * Choice: where no name is stored yet, none is written, SAR does it: an attempt that nobody authenticated costs the HSS
 * no write of a location, and I-CSCF and S-CSCF are one node, which needs no name to find itself.
 *
 * @see TS 29.228 clause 6.3.1
 */
export function applyAuthentication(location: Location, serverName: string, isResynchronisation: boolean): Location {
  if (isResynchronisation || location.serverName === '' || location.serverName === serverName) return location
  return { ...location, serverName }
}
