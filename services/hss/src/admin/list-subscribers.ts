import {
  Subscriber as AdminSubscriber,
  type ListSubscribersRequest,
  type ListSubscribersResponse,
} from '@rollcall/proto-gen/admin'
import type { HssContext } from '../context.ts'
import { RequestInvalidError } from '../errors.ts'
import { SUBSCRIPTION_PREFIX } from '../subscribers/record-keys.ts'
import { viewSubscriber } from './subscriber-view.ts'

const PAGE_SIZE_DEFAULT = 100
const PAGE_SIZE_MAX = 1_000
/** A gRPC message holds 1 MiB. */
const PAGE_BYTES_MAX = 512 * 1024
const TOKEN_LETTERS_MAX = 256

/**
 * One page of the subscribers, in the order of their record keys. A subscriber that is added or removed between two
 * pages may be missed or seen; every other one is seen once.
 *
 * @throws RequestInvalidError when the page token is none of ours.
 */
export async function listSubscribers(
  context: HssContext,
  request: ListSubscribersRequest,
): Promise<ListSubscribersResponse> {
  const { pageToken } = request
  if (pageToken !== '' && (pageToken.length > TOKEN_LETTERS_MAX || !pageToken.startsWith(`${SUBSCRIPTION_PREFIX}.`))) {
    throw new RequestInvalidError('page_token is none of a list answer')
  }
  const pageSize = request.pageSize === 0 ? PAGE_SIZE_DEFAULT : Math.min(request.pageSize, PAGE_SIZE_MAX)
  const page: AdminSubscriber[] = []
  let pageBytes = 0
  let lastKey = ''
  for await (const subscriber of context.repository.list(pageToken)) {
    const view = viewSubscriber(subscriber)
    pageBytes += AdminSubscriber.encode(view).finish().length
    const isFull = page.length === pageSize || (page.length > 0 && pageBytes > PAGE_BYTES_MAX)
    if (isFull) return { subscribers: page, nextPageToken: lastKey }
    page.push(view)
    lastKey = subscriber.recordKey
  }
  return { subscribers: page, nextPageToken: '' }
}
