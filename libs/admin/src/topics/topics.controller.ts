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
    about: 'By name, a page at a time. Without `sizes` it needs no Redis.',
    answers: () => TopicPage,
  })
  async list(@Query() query: TopicsQuery): Promise<TopicPage> {
    const { limit = adminLimits.pageItems, after = '', name = '', internal, sizes } = query;
    const { catalog, store } = this.parts;
    const fits = (topic: Topic): boolean =>
      topic.name > after && topic.name.includes(name) && (internal === true || !isInternal(topic));
    const page: Topic[] = [];
    let hasMore = false;
    for (const topic of catalog.list()) {
      if (!fits(topic)) continue;
      hasMore = page.length === limit;
      if (hasMore) break;
      page.push(topic);
    }
    const views = page.map(topicView);
    if (sizes === true) {
      const all = await topicSizes(store, page);
      all.forEach((size, index) => (views[index]!.size = size));
    }
    return { topics: views, next: hasMore ? page.at(-1)!.name : null };
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
  async create(
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
  async describe(
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
  async remove(
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
  async grow(
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

function answered(topic: Topic, response: Response): TopicView {
  const view = topicView(topic);
  response.setHeader('ETag', eTag(view.version));
  return view;
}
