import { Body, Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { addPartitions, createTopic, deleteTopic } from '@sluice/broker';
import { topicVersion, type Topic } from '@sluice/log';
import type { Request, Response } from 'express';
import type { AdminParts } from '../admin-parts';
import { Endpoint } from '../http/endpoint';
import { problemOfKafkaError } from '../http/problem-of-error';
import { basedOn, changedMeanwhile, eTag } from '../http/versions';
import { adminLimits } from '../limits';
import { ADMIN_PARTS } from '../tokens';
import { findTopic, topicSizes } from './topic-lookup';
import {
  DeletedTopic,
  DryRunQuery,
  Growth,
  isInternal,
  NewTopic,
  TopicPage,
  TopicsQuery,
  topicView,
  TopicView,
} from './topic.views';

/** Topics: what there is, and what is to be. */
@Controller({ path: 'topics', version: '1' })
export class TopicsController {
  constructor(@Inject(ADMIN_PARTS) private readonly parts: AdminParts) {}

  @Endpoint('GET', '', {
    role: 'read',
    summary: 'List topics',
    about:
      'By name, a page at a time. Without `sizes` it needs no Redis; with it, a page ends after ' +
      '2,000 partitions, so it may have fewer topics than `limit`.',
    answers: () => TopicPage,
  })
  async listTopics(@Query() query: TopicsQuery): Promise<TopicPage> {
    const { catalog, store } = this.parts;
    const { page, next } = pageOf(catalog.list(), query);
    const views = page.map(topicView);
    if (query.sizes === true) {
      const sizes = await topicSizes(store, page);
      sizes.forEach((size, index) => (views[index]!.size = size));
    }
    return { topics: views, next };
  }

  @Endpoint('POST', '', {
    role: 'write',
    summary: 'Create a topic',
    about: 'With `dryRun` it is only checked, and the answer has the status 200.',
    status: 201,
    answers: () => TopicView,
    problems: [
      'invalid-topic',
      'invalid-partitions',
      'invalid-config',
      'topic-exists',
      'redis-unavailable',
      'outcome-unknown',
    ],
    hasETag: true,
  })
  async createTopic(
    @Body() body: NewTopic,
    @Query() { dryRun = false }: DryRunQuery,
    @Res({ passthrough: true }) response: Response,
  ): Promise<TopicView> {
    const { name, partitions = -1, configs = {} } = body;
    const { services } = this.parts.broker;
    const asked = { name, partitions, configs };
    const outcome = await createTopic(services, asked, { validateOnly: dryRun });
    if ('errorCode' in outcome) throw problemOfKafkaError(outcome.errorCode, outcome.errorMessage);
    if (dryRun) response.status(200);
    else response.setHeader('Location', `/v1/topics/${encodeURIComponent(name)}`);
    return answered(outcome.created, response);
  }

  @Endpoint('GET', ':topic', {
    role: 'read',
    summary: 'Describe a topic',
    answers: () => TopicView,
    problems: ['unknown-topic', 'redis-unavailable'],
    hasETag: true,
  })
  async describeTopic(
    @Param('topic') name: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<TopicView> {
    const topic = findTopic(this.parts.catalog, name);
    const [size] = await topicSizes(this.parts.store, [topic]);
    return { ...answered(topic, response), size };
  }

  @Endpoint('DELETE', ':topic', {
    role: 'admin',
    summary: 'Delete a topic',
    about:
      'It is gone at once, with its records and the offsets that groups have committed for it; ' +
      'Redis frees the memory in the background. Works while Redis is full.',
    answers: () => DeletedTopic,
    problems: ['unknown-topic', 'changed-meanwhile', 'redis-unavailable', 'outcome-unknown'],
    ifMatch: 'optional',
  })
  async deleteTopic(
    @Param('topic') name: string,
    @Query() { dryRun = false }: DryRunQuery,
    @Req() { headers }: Request,
  ): Promise<DeletedTopic> {
    const { catalog, store, broker } = this.parts;
    const topic = findTopic(catalog, name);
    const version = basedOn(headers, { isNeeded: false });
    if (version !== undefined && version !== topicVersion(topic)) {
      throw changedMeanwhile(topicVersion(topic));
    }
    const [size] = dryRun ? await topicSizes(store, [topic]) : [];
    // By its id: not one that was created under this name since it was looked at.
    if (!dryRun && !(await deleteTopic(broker.services, { id: topic.id }))) {
      throw changedMeanwhile(topicVersion(findTopic(catalog, name)));
    }
    return { deleted: { ...topicView(topic), size }, dryRun };
  }

  @Endpoint('POST', ':topic/partitions', {
    role: 'admin',
    summary: 'Add partitions to a topic',
    about:
      'Records of a key that were written before stay where they are: later ones may go to ' +
      'another partition.',
    answers: () => TopicView,
    problems: ['unknown-topic', 'invalid-partitions', 'redis-unavailable', 'outcome-unknown'],
    hasETag: true,
  })
  async addPartitions(
    @Param('topic') name: string,
    @Body() { total }: Growth,
    @Query() { dryRun = false }: DryRunQuery,
    @Res({ passthrough: true }) response: Response,
  ): Promise<TopicView> {
    const { services } = this.parts.broker;
    const outcome = await addPartitions(services, name, total, { validateOnly: dryRun });
    if ('errorCode' in outcome) throw problemOfKafkaError(outcome.errorCode, outcome.errorMessage);
    return answered(outcome.updated, response);
  }
}

/** The topics of a page, and what the next one begins behind. */
function pageOf(
  topics: readonly Topic[],
  { limit = adminLimits.pageItems, after = '', name = '', internal, sizes }: TopicsQuery,
): { page: Topic[]; next: string | null } {
  const page: Topic[] = [];
  let partitions = 0;
  for (const topic of topics) {
    if (topic.name <= after || !topic.name.includes(name)) continue;
    if (internal !== true && isInternal(topic)) continue;
    partitions += topic.partitions;
    const isLong = sizes === true && partitions > adminLimits.sizedPartitionsMax;
    if (page.length > 0 && (page.length === limit || isLong)) {
      return { page, next: page.at(-1)!.name };
    }
    page.push(topic);
  }
  return { page, next: null };
}

function answered(topic: Topic, response: Response): TopicView {
  const view = topicView(topic);
  response.setHeader('ETag', eTag(view.version));
  return view;
}
