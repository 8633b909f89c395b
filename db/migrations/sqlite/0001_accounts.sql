CREATE TABLE `attempts` (
	`key` text PRIMARY KEY NOT NULL,
	`failures` integer NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `attempts_expires` ON `attempts` (`expires_at`);--> statement-breakpoint
CREATE TABLE `audit` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`event` text(32) NOT NULL,
	`actor_id` text,
	`actor_name` text(64),
	`via` text(16) NOT NULL,
	`target_kind` text(16),
	`target_id` text,
	`target_name` text(100),
	`address` text(64) NOT NULL,
	`user_agent` text(255) NOT NULL,
	`request_id` text(64) NOT NULL,
	`before` text,
	`after` text
);
--> statement-breakpoint
CREATE INDEX `audit_actor` ON `audit` (`actor_id`,`id`);--> statement-breakpoint
CREATE INDEX `audit_target` ON `audit` (`target_id`,`id`);--> statement-breakpoint
CREATE INDEX `audit_event` ON `audit` (`event`,`id`);--> statement-breakpoint
CREATE TABLE `codes` (
	`key` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`issuer_id` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `codes_user` ON `codes` (`user_id`);--> statement-breakpoint
CREATE INDEX `codes_expires` ON `codes` (`expires_at`);--> statement-breakpoint
CREATE TABLE `tokens` (
	`key` text PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`user_id` text NOT NULL,
	`name` text(100) NOT NULL,
	`scopes` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`last_used_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tokens_id` ON `tokens` (`id`);--> statement-breakpoint
CREATE INDEX `tokens_user` ON `tokens` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `tokens_expires` ON `tokens` (`expires_at`);--> statement-breakpoint
ALTER TABLE `sessions` ADD `remembered` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `name_key` text(64) DEFAULT '' NOT NULL;--> statement-breakpoint
UPDATE `users` SET `name_key` = lower(substr(`name`, 1, 64));--> statement-breakpoint
CREATE INDEX `users_name_key` ON `users` (`name_key`,`id`);--> statement-breakpoint
CREATE INDEX `users_active` ON `users` (`active`,`id`);