import { type PidfDocument, writePidf } from '@rollcall/pidf'
import { FilterablePidf } from './filterable-pidf.ts'
import type { Permissions } from './permissions.ts'

/**
 * Leaves of a presence document what the permissions provide: first the services, devices and persons, then the
 * attributes inside of them (RFC 5025 section 3.3). With all permissions the same octets come back.
 *
 * A document that many sets of permissions are applied to is better read once, into a `FilterablePidf`.
 *
 * @throws XmlError when octets are given that are no presence document.
 */
export function filterPidf(document: Buffer | PidfDocument | FilterablePidf, permissions: Permissions): Buffer {
  return filterable(document).filter(permissions)
}

function filterable(document: Buffer | PidfDocument | FilterablePidf): FilterablePidf {
  return document instanceof FilterablePidf ? document : new FilterablePidf(document)
}

/**
 * The document for whom the presentity blocks politely: one service, closed, no person, no device (RFC 5025 section
 * 3.2.1). `tupleId` must be none of hers, and the same each time; the octets are those of one who publishes nothing.
 *
 * @throws RangeError when `tupleId` is no xs:ID.
 * @see readings, Presence 6
 */
export function politeDocument(entity: string, tupleId: string): Buffer {
  return writePidf({ entity, tupleId, basic: 'closed' })
}
