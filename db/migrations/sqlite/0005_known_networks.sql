CREATE TABLE `known_networks` (
	`key` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`expires_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `known_networks_user` ON `known_networks` (`user_id`);--> statement-breakpoint
CREATE INDEX `known_networks_expires` ON `known_networks` (`expires_at`);--> statement-breakpoint
ALTER TABLE `attempts` ADD `blocked_until` integer;--> statement-breakpoint
ALTER TABLE `users` ADD `pending_email` text(254);