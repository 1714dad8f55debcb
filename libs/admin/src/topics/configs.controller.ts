import { Body, Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { describeTopicConfigs, setTopicConfigs } from '@sluice/broker';
import { topicVersion, type ConfigChange, type Topic } from '@sluice/log';
import type { Request, Response } from 'express';
import type { AdminParts } from '../admin-parts';
import { Endpoint } from '../http/endpoint';
import { problemOfKafkaError } from '../http/problem-of-error';
import { basedOn, changedMeanwhile, eTag } from '../http/versions';
import { ADMIN_PARTS } from '../tokens';
import { configList, ConfigList, ConfigPatch } from './config.views';
import { findTopic } from './topic-lookup';
import { DryRunQuery } from './topic.views';

/** The configs of a topic. */
@Controller({ path: 'topics/:topic/configs', version: '1' })
export class TopicConfigsController {
  constructor(@Inject(ADMIN_PARTS) private readonly parts: AdminParts) {}

  @Endpoint('GET', '', {
    role: 'read',
    summary: "List a topic's configs",
    about: 'All of them, with their defaults, where each value comes from, and what it means.',
    answers: () => ConfigList,
    problems: ['unknown-topic'],
    hasETag: true,
  })
  listTopicConfigs(
    @Param('topic') name: string,
    @Res({ passthrough: true }) response: Response,
  ): ConfigList {
    return answered(findTopic(this.parts.catalog, name), response);
  }

  @Endpoint('PATCH', '', {
    role: 'admin',
    summary: "Change a topic's configs",
    about:
      'All of them are changed, or none. `If-Match` has to be the ETag of what was looked at, so ' +
      'that two who change the same topic do not overwrite each other; `*` overwrites.',
    answers: () => ConfigList,
    problems: [
      'unknown-topic',
      'invalid-config',
      'changed-meanwhile',
      'if-match-needed',
      'redis-unavailable',
      'outcome-unknown',
    ],
    ifMatch: 'needed',
    hasETag: true,
  })
  async changeTopicConfigs(
    @Param('topic') name: string,
    @Body() { configs }: ConfigPatch,
    @Query() { dryRun = false }: DryRunQuery,
    @Req() { headers }: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ConfigList> {
    const ifVersion = basedOn(headers, { isNeeded: true });
    const changes = Object.entries(configs).map(([config, value]): ConfigChange => {
      return value === null ? { name: config, op: 'delete' } : { name: config, op: 'set', value };
    });
    const { services } = this.parts.broker;
    const terms = { validateOnly: dryRun, ifVersion };
    const outcome = await setTopicConfigs(services, name, { changes }, terms);
    if ('errorCode' in outcome) throw problemOfKafkaError(outcome.errorCode, outcome.errorMessage);
    if ('changedMeanwhile' in outcome) {
      throw changedMeanwhile(topicVersion(outcome.changedMeanwhile));
    }
    return answered(outcome.updated, response);
  }
}

function answered(topic: Topic, response: Response): ConfigList {
  response.setHeader('ETag', eTag(topicVersion(topic)));
  return configList(describeTopicConfigs(topic));
}
