CREATE TABLE `guards` (
	`name` text(32) PRIMARY KEY NOT NULL,
	`version` integer DEFAULT 0 NOT NULL,
	`held` integer DEFAULT false NOT NULL
);
--> statement-breakpoint
ALTER TABLE `codes` ADD `issuer_token_id` text;--> statement-breakpoint
ALTER TABLE `groups` ADD `rights_version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `rights_version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
INSERT INTO `guards` (`name`) VALUES ('administrators');--> statement-breakpoint
UPDATE `codes` SET `issuer_token_id` = `issuer_id`, `issuer_id` = (SELECT `user_id` FROM `tokens` WHERE `tokens`.`id` = `codes`.`issuer_id`) WHERE `issuer_id` IN (SELECT `id` FROM `tokens`);